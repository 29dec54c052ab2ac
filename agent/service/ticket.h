/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a service that was killed leaves to the next one: RUNTIME/tickets/NUMBER.json, an order that
 * is under way. What has become of it only QEMU knows. */
#pragma once

#include "agent/service/order.h"

typedef struct Ticket Ticket;

/* Never fails the migration: what is wrong is warned of. */
Ticket *ticket_new (const Order *order);
/* The order, as it is known now. */
void ticket_update (Ticket *self, const Order *order, const char *id, json_object *found);
/* KEEP: another service may go on. */
void ticket_free (Ticket *self, gboolean keep);

/* Those that were left, as Order; they are gone from the disk. Owned by the caller. */
GPtrArray *ticket_take_all (void);
