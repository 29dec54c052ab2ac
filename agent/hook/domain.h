/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A libvirt domain's XML, as far as a hook reads or changes it. */
#pragma once

#include <glib.h>

typedef struct Domain Domain;

#define DOMAIN_ERROR (domain_error_quark ())
GQuark domain_error_quark (void); /* one code, 0 */

Domain *domain_parse (const char *xml, gsize length, GError **error);
void domain_free (Domain *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Domain, domain_free)

const char *domain_name (const Domain *self);
const char *domain_uuid (const Domain *self);
/* The flavor's extra spec qmpmig:policy, where Nova writes them (its schema 1.1); or NULL. */
const char *domain_nova_policy (const Domain *self);

/* The monitor of ours: its path, whether the XML has it, and adding it. */
char *domain_monitor_path (const Domain *self);
gboolean domain_has_monitor (const Domain *self);
void domain_add_monitor (Domain *self);

char *domain_to_xml (const Domain *self);
