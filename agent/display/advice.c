/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/advice.h"

#include <string.h>

#include "agent/display/text.h"
#include "agent/units.h"
#include "qmp/value.h"

/* A steered throttle moves all the time; it is news when it comes, goes or jumps. So is a downtime
 * limit. */
#define THROTTLE_NEWS_PCT 10

void
advice_news_clear (AdviceNews *self)
{
    g_free (self->action);
    g_free (self->reason);
    *self = (AdviceNews){ 0 };
}

static const char *
action_words (const char *action)
{
    static const struct {
        const char *action, *words;
    } table[] = {
        { "postcopy", "switch to postcopy" },
        { "pause-guest", "pause the guest" },
        { "cancel", "cancel" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (table); i++)
        if (!strcmp (table[i].action, action))
            return table[i].words;
    return NULL;
}

static gboolean
is_throttle_news (const AdviceNews *self, guint64 pct)
{
    guint64 change = MAX (pct, self->throttle_pct) - MIN (pct, self->throttle_pct);

    return change >= THROTTLE_NEWS_PCT || (change && (!pct || !self->throttle_pct));
}

static void
append_part (GString *out, char *part)
{
    g_autofree char *owned = part;

    g_string_append_printf (out, "%s%s", out->len ? ", " : "", owned);
}

static void
append_throttle (AdviceNews *self, GString *out, json_object *advice, gboolean all)
{
    guint64 pct = qmp_peek_uint (advice, "throttle_pct", self->throttle_pct);

    if (pct == self->throttle_pct || !(all || is_throttle_news (self, pct)))
        return;
    append_part (
        out, g_strdup_printf ("throttle %u%% (was %u%%)", (guint)pct, (guint)self->throttle_pct));
    self->throttle_pct = pct;
}

static void
append_action (AdviceNews *self, GString *out, json_object *advice)
{
    const char *action = qmp_peek_string (advice, "action", "none");
    const char *words = action_words (action);

    if (words && g_strcmp0 (self->action, action) != 0)
        append_part (out, g_strdup (words));
    g_free (self->action);
    self->action = g_strdup (action);
}

static void
append_downtime (AdviceNews *self, GString *out, json_object *advice, gboolean all)
{
    guint64 us = qmp_peek_uint (advice, "downtime_limit_us", self->downtime_limit_us);
    guint64 change = MAX (us, self->downtime_limit_us) - MIN (us, self->downtime_limit_us);
    g_autofree char *limit = units_format_time (us);

    if (!change || !(all || change >= self->downtime_limit_us / 4))
        return;
    append_part (out, g_strdup_printf ("downtime limit %s", limit));
    self->downtime_limit_us = us;
}

static void
append_bandwidth (GString *out, json_object *advice)
{
    guint64 bandwidth = qmp_peek_uint (advice, "bandwidth_bytes_per_s", 0);
    g_autofree char *limit = units_format_rate (bandwidth ? bandwidth : UNITS_UNLIMITED);

    if (qmp_peek (advice, "bandwidth_bytes_per_s"))
        append_part (out, g_strdup_printf ("bandwidth %s", limit));
}

static gboolean
is_new_reason (AdviceNews *self, const char *reason)
{
    gboolean is_new = g_strcmp0 (self->reason, reason) != 0;

    g_free (self->reason);
    self->reason = g_strdup (reason);
    return is_new;
}

char *
advice_text (AdviceNews *self, const Style *style, json_object *advice)
{
    g_autofree char *reason = text_peek (style, advice, "reason");
    gboolean is_new = is_new_reason (self, reason);
    g_autoptr (GString) parts = g_string_new (NULL);

    append_throttle (self, parts, advice, style->verbose);
    append_downtime (self, parts, advice, style->verbose);
    append_action (self, parts, advice);
    if (style->verbose)
        append_bandwidth (parts, advice);
    if (!parts->len && !(style->verbose && is_new && reason))
        return NULL;
    return g_strdup_printf ("%s%s%s", parts->str, parts->len && reason ? ": " : "",
                            reason ? reason : "");
}

static void
append_parameters (const Style *style, GString *out, json_object *parameters)
{
    if (!json_object_is_type (parameters, json_type_object))
        return;
    json_object_object_foreach (parameters, name, value) {
        g_autofree char *clean = text_clean (name, style->utf8);
        g_autofree char *text = text_parameter (style, name, value);

        append_part (out, g_strdup_printf ("%s %s", clean, text ? text : "?"));
    }
}

/* A refusal is always worth a line; what went well only with --verbose. */
char *
advice_applied_text (const Style *style, json_object *applied)
{
    g_autofree char *answer = text_peek (style, applied, "answer");
    g_auto (GStrv) guard = text_peek_list (style, applied, "changed_by_guard");
    gboolean refused = answer && strcmp (answer, "ok") != 0;
    g_autoptr (GString) parts = g_string_new (NULL);

    if (!refused && !style->verbose)
        return NULL;
    append_parameters (style, parts, qmp_peek (applied, "parameters"));
    for (char **text = guard; *text; text++)
        append_part (parts, g_strdup (*text));
    if (refused)
        return g_strdup_printf ("QEMU refused %s: %s", parts->str, answer);
    return parts->len ? g_strdup_printf ("sets %s", parts->str) : NULL;
}
