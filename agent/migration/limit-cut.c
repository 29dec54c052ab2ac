/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was asked of a limit and is in force otherwise, with the reason: who sets 40 % and gets 9 %
 * has to be told. */
#include "agent/migration/migration.h"
#include "qmp/value.h"

#define STRONGEST_PCT 99

/* NULL: it is in force as asked. */
static const char *
why_throttle_is_cut (const Migration *m, guint asked_pct)
{
    if (asked_pct == m->limits.max_throttle_pct)
        return NULL;
    if (asked_pct < m->limits.max_throttle_pct)
        return "is less than the weakest throttle there is";
    if (m->limits.max_throttle_pct == STRONGEST_PCT)
        return "would not let the guest run at all";
    return "would stall the guest longer than max-stall permits";
}

json_object *
migration_cut_limits (const Migration *m, json_object *asked)
{
    json_object *cut = json_object_new_object ();
    const char *text = qmp_peek_string (asked, "max-throttle", NULL);
    const char *why;
    guint pct;

    if (!text || !units_parse_percent ("max-throttle", text, &pct, NULL))
        return cut;
    why = why_throttle_is_cut (m, pct);
    if (why) {
        g_autofree char *reason = g_strdup_printf ("%u%% %s", pct, why);

        json_object_object_add (cut, "max-throttle", json_object_new_string (reason));
    }
    return cut;
}
