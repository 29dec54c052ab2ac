/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the service is asked to do with one guest: who asked is gone when it is done, and so may the
 * service be, so an order can be written down. */
#pragma once

#include "agent/config.h"
#include "qmp/message.h"

typedef enum { ORDER_STEER, ORDER_START, ORDER_RECOVER } OrderKind;
typedef enum { MODE_CONFIGURED, MODE_OBSERVE, MODE_STEER } Mode;

typedef struct {
    OrderKind kind;
    char *address;        /* QMP socket, or libvirt:DOMAIN */
    char *uri;            /* START */
    json_object *options; /* {long option: text, true for a flag, or a list of texts} */
    gboolean waits;       /* for a migration to begin */
    Mode mode;
    char *abort;        /* abort-clock.h; NULL: as configured */
    char *confirm;      /* RECOVER: the end that is dead, or NULL */
    char *id;           /* of one that is gone on with, or NULL */
    json_object *found; /* QEMU's parameters before we touched them, or NULL */
} Order;

/* OPTIONS: a{sv}, or NULL. An error is a usage error. */
Order *order_new (OrderKind kind, const char *address, const char *uri, GVariant *options,
                  GError **error);
void order_free (Order *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Order, order_free)

json_object *order_to_json (const Order *self);
Order *order_from_json (json_object *json); /* NULL: it is none */

/* Its options win over all that CONFIG has. */
gboolean order_give (const Order *self, Config *config, GError **error);

gboolean mode_parse (const char *text, Mode *ret_mode, GError **error);
const char *mode_name (Mode mode);
