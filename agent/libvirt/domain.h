/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains, by name or uuid, and what the service asks of them. */
#pragma once

#include <libvirt/libvirt.h>

#include "agent/libvirt/module.h"

/* May block; free with virDomainFree(). */
virDomainPtr domain_look_up (virConnectPtr connection, const char *name_or_uuid, GError **error);

GPtrArray *domain_list (LibvirtConnection *connection, GError **error);
LibvirtDomain *domain_find (LibvirtConnection *connection, const char *domain, GError **error);
void domain_free (LibvirtDomain *domain);
