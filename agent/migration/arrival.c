/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/arrival.h"

#include <string.h>

#include "qmp/value.h"

const char *
arrival_word (MigrationStatus status)
{
    switch (status) {
    case STATUS_NONE:
        return "waiting";
    case STATUS_SETUP:
        return "listening";
    case STATUS_ACTIVE:
    case STATUS_PRE_SWITCHOVER:
    case STATUS_DEVICE:
    case STATUS_CANCELLING:
    case STATUS_OTHER:
        return "receiving";
    case STATUS_POSTCOPY_DEVICE:
    case STATUS_POSTCOPY_ACTIVE:
        return "postcopy";
    case STATUS_POSTCOPY_PAUSED:
        return "postcopy-paused";
    case STATUS_POSTCOPY_RECOVER:
        return "postcopy-recover";
    case STATUS_COMPLETED:
        return "arrived";
    case STATUS_CANCELLED:
    case STATUS_FAILING:
    case STATUS_FAILED:
        return "failed";
    }
    return "receiving";
}

/* "tcp:[::1]:4444", "unix:/run/in.sock", "vsock:3:4444"; NULL for what has no name elsewhere. */
static char *
address_text (json_object *address)
{
    const char *type = qmp_peek_string (address, "type", "");
    const char *host = qmp_peek_string (address, "host", "");
    const char *port = qmp_peek_string (address, "port", "");

    if (g_str_equal (type, "inet"))
        return strchr (host, ':') ? g_strdup_printf ("tcp:[%s]:%s", host, port)
                                  : g_strdup_printf ("tcp:%s:%s", host, port);
    if (g_str_equal (type, "unix"))
        return g_strconcat ("unix:", qmp_peek_string (address, "path", ""), NULL);
    if (g_str_equal (type, "vsock"))
        return g_strdup_printf ("vsock:%s:%s", qmp_peek_string (address, "cid", ""), port);
    return NULL;
}

json_object *
arrival_addresses (json_object *migrate)
{
    json_object *addresses = qmp_peek (migrate, "socket-address");
    json_object *texts = NULL;

    for (gsize i = 0; i < qmp_length (addresses); i++) {
        g_autofree char *text = address_text (json_object_array_get_idx (addresses, i));

        if (!text)
            continue;
        if (!texts)
            texts = json_object_new_array ();
        json_object_array_add (texts, json_object_new_string (text));
    }
    return texts;
}

void
arrival_add (json_object *sample, MigrationStatus status, json_object *migrate)
{
    json_object *addresses = status == STATUS_SETUP ? arrival_addresses (migrate) : NULL;

    json_object_object_add (sample, "end", json_object_new_string (end_name (END_DESTINATION)));
    json_object_object_add (sample, "arrival", json_object_new_string (arrival_word (status)));
    if (addresses)
        json_object_object_add (sample, "listens_at", addresses);
}
