/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The addresses of a host. A number needs no asking. A name is looked up in a thread, because the
 * resolver has no timeout that we could set; one that takes too long is left behind. Internal to
 * qmp/. */
#pragma once

#include <gio/gio.h>
#include <netdb.h>

typedef struct Lookup Lookup;

Lookup *lookup_new (const char *host, guint16 port);
void lookup_release (Lookup *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Lookup, lookup_release)

/* FALSE when it is not done in time, or cancelled. */
gboolean lookup_run (Lookup *self, gint64 deadline_us, GCancellable *cancel);

/* After it is done: the addresses, or NULL and why (a sentence of the resolver's). Borrowed. */
const struct addrinfo *lookup_result (Lookup *self, const char **ret_why);
