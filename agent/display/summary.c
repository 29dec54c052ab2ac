/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/summary.h"

#include <string.h>

#include "agent/display/heading.h"
#include "agent/display/headline.h"
#include "agent/display/prediction.h"
#include "agent/display/text.h"
#include "agent/units.h"
#include "qmp/value.h"

#define UNKNOWN G_MAXUINT64

static gboolean
is_one_of (json_object *result, const char *const *outcomes)
{
    return g_strv_contains (outcomes, qmp_peek_string (result, "outcome", ""));
}

static gboolean
has_moved (json_object *result)
{
    static const char *const moved[] = { "completed", "handed-over", NULL };

    return is_one_of (result, moved);
}

/* --- why ------------------------------------------------------------------------------------- */

/* "source: migrate: Connection refused", for an error that came without a sentence. */
static char *
composed_error (const Style *style, json_object *result)
{
    static const char *const parts[] = { "error.end", "error.command", "error.desc" };
    g_autoptr (GString) words = g_string_new (NULL);

    for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
        g_autofree char *part = text_peek (style, result, parts[i]);

        if (part)
            g_string_append_printf (words, "%s%s", words->len ? ": " : "", part);
    }
    return words->len ? g_strdup (words->str) : NULL;
}

static void
append_line (const Style *style, GString *out, const char *text)
{
    text_fold (style, out, 0, 0, text);
    g_string_append_c (out, '\n');
}

static void
append_reason (const Style *style, GString *out, json_object *result)
{
    /* where all went as it was asked to, the first line has said it */
    static const char *const smooth[] = { "completed", "cancelled", "planned", NULL };
    g_autofree char *text = text_peek (style, result, "text");
    g_autofree char *error = text_peek (style, result, "error.text");

    if (is_one_of (result, smooth))
        return;
    if (!error)
        error = composed_error (style, result);
    if (text)
        append_line (style, out, text);
    if (!error || (text && strstr (text, error)))
        return;
    style_ink (style, out, INK_BAD, "error:");
    g_string_append_c (out, ' ');
    text_fold (style, out, 7, 7, error);
    g_string_append_c (out, '\n');
}

/* --- numbers --------------------------------------------------------------------------------- */

static void
append_total (const Style *style, GString *out, json_object *header, json_object *result)
{
    guint64 us = qmp_peek_uint (result, "total_us", UNKNOWN);
    g_autofree char *time = us == UNKNOWN ? NULL : units_format_time (us);

    if (time)
        text_row (style, out, "total time", time);
}

/* "6.2 s, took 6.6 s; blackout 30 ms, was 35 ms": what was foreseen beside what came. */
static void
append_beside (GString *out, json_object *result, const char *path, const char *label,
               const char *came_path, const char *verb)
{
    guint64 foreseen_us = qmp_peek_uint (result, path, UNKNOWN);
    guint64 came_us = qmp_peek_uint (result, came_path, UNKNOWN);
    g_autofree char *foreseen = foreseen_us == UNKNOWN ? NULL : units_format_time (foreseen_us);
    g_autofree char *came = came_us == UNKNOWN ? NULL : units_format_time (came_us);

    if (!foreseen)
        return;
    g_string_append_printf (out, "%s%s%s", out->len ? "; " : "", label, foreseen);
    if (came && has_moved (result))
        g_string_append_printf (out, ", %s %s", verb, came);
}

static void
append_predicted (const Style *style, GString *out, json_object *header G_GNUC_UNUSED,
                  json_object *result)
{
    json_object *predicted = qmp_peek (result, "predicted");
    g_autoptr (GString) words = g_string_new (NULL);

    if (!predicted)
        return;
    if (!qmp_peek_bool (predicted, "converges", FALSE))
        g_string_append (words, prediction_answer (predicted));
    append_beside (words, result, "predicted.total_us", "", "total_us", "took");
    append_beside (words, result, "predicted.blackout_us", "blackout ", "blackout_us", "was");
    text_row (style, out, "predicted", words->str);
}

static char *
blackout_origin (const Style *style, json_object *header, json_object *result)
{
    const char *source = qmp_peek_string (result, "blackout_source", "");
    guint64 bound = qmp_peek_uint (result, "blackout_bound_us", UNKNOWN);
    g_autofree char *within = bound == UNKNOWN ? NULL : units_format_time (bound);

    if (!strcmp (source, "events"))
        return g_strdup_printf ("%s%s%s, from the source's STOP to the destination's RESUME, by "
                                "local receive time",
                                within ? " " : "", within ? style_either (style, "± ", "+/- ") : "",
                                within ? within : "");
    if (strcmp (source, "qemu") != 0)
        return g_strdup ("");
    return g_strdup_printf (", as the source's QEMU reports it%s",
                            header && !heading_is_observed (header, "destination")
                                ? "; the destination was not observed"
                                : "");
}

static void
append_blackout (const Style *style, GString *out, json_object *header, json_object *result)
{
    guint64 us = qmp_peek_uint (result, "blackout_us", UNKNOWN);
    g_autofree char *time = us == UNKNOWN ? NULL : units_format_time (us);
    g_autofree char *origin = blackout_origin (style, header, result);
    g_autofree char *words = g_strconcat (time ? time : "", origin, NULL);

    if (time)
        text_row (style, out, "blackout", words);
}

static void
append_sent (const Style *style, GString *out, json_object *header, json_object *result)
{
    guint64 bytes = qmp_peek_uint (result, "sent_bytes", UNKNOWN);
    guint64 passes = qmp_peek_uint (result, "passes", 0);
    g_autofree char *size = bytes == UNKNOWN ? NULL : units_format_size (bytes);
    g_autoptr (GString) words = g_string_new (size);

    if (!size)
        return;
    if (passes)
        g_string_append_printf (words, " in %" G_GUINT64_FORMAT " pass%s", passes,
                                passes == 1 ? "" : "es");
    text_row (style, out, "sent", words->str);
}

static void
append_throttle (const Style *style, GString *out, json_object *header, json_object *result)
{
    guint64 throttled = qmp_peek_uint (result, "throttle_integral_us", UNKNOWN);
    guint64 us = qmp_peek_uint (result, "work_lost_us", throttled);
    g_autofree char *time = units_format_time (us);
    g_autofree char *words =
        us ? g_strdup_printf ("cost each vCPU %s of its time", time) : g_strdup ("none");

    if (us != UNKNOWN)
        text_row (style, out, "throttle", words);
}

static void
append_capabilities (const Style *style, GString *out, json_object *header, json_object *result)
{
    g_auto (GStrv) names = text_peek_list (style, result, "capabilities_used");
    g_autofree char *words = g_strjoinv (", ", names);

    if (*words && has_moved (result))
        text_row (style, out, "capabilities", words);
}

/* After a success the source's QEMU still holds the guest, and would run it on a mere `cont`. */
static void
append_source (const Style *style, GString *out, json_object *header, json_object *result)
{
    json_object *kept = qmp_peek (result, "source_kept");

    if (!json_object_is_type (kept, json_type_boolean) || !has_moved (result))
        return;
    text_row (style, out, "source's QEMU",
              json_object_get_boolean (kept)
                  ? "kept, stopped: it must never run this guest again; quit it when you are sure"
                  : "has quit");
}

static void
append_numbers (const Style *style, GString *out, json_object *header, json_object *result)
{
    static void (*const rows[]) (const Style *, GString *, json_object *, json_object *) = {
        append_total,    append_blackout,     append_predicted, append_sent,
        append_throttle, append_capabilities, append_source,
    };
    static const char *const unmoved[] = { "planned", NULL };

    for (guint i = 0; !is_one_of (result, unmoved) && i < G_N_ELEMENTS (rows); i++)
        rows[i](style, out, header, result);
}

/* --- what to do ------------------------------------------------------------------------------ */

static const char *
command_title (guint count, gboolean is_after)
{
    if (count > 1)
        return is_after ? "Then type one of:" : "Type one of:";
    return is_after ? "Then type:" : "Type:";
}

/* Returns the commands that are left: a check that ends in a colon leads to the next of them. */
static char **
append_check (const Style *style, GString *out, char **checks, char **commands)
{
    style_ink (style, out, INK_BOLD, "Check:");
    g_string_append_c (out, '\n');
    for (; *checks; checks++) {
        g_string_append (out, "  - ");
        text_fold (style, out, 4, 4, *checks);
        g_string_append_c (out, '\n');
        if (g_str_has_suffix (*checks, ":") && *commands)
            g_string_append_printf (out, "      %s\n", *commands++);
    }
    return commands;
}

/* The commands are never folded, and each is on a line of its own: they are to be copied. */
static void
append_instructions (const Style *style, GString *out, json_object *result)
{
    g_auto (GStrv) checks = text_peek_list (style, result, "check");
    g_auto (GStrv) commands = text_peek_list (style, result, "commands");
    char **rest = commands;

    if (*checks)
        rest = append_check (style, out, checks, commands);
    if (*rest) {
        style_ink (style, out, INK_BOLD, command_title (g_strv_length (rest), *checks != NULL));
        g_string_append_c (out, '\n');
    }
    for (; *rest; rest++)
        g_string_append_printf (out, "  %s\n", *rest);
}

char *
summary_text (const Style *style, json_object *header, json_object *result, gboolean brief)
{
    GString *out = g_string_new (NULL);

    headline_append (style, out, header, result);
    append_reason (style, out, result);
    if (!brief)
        append_numbers (style, out, header, result);
    append_instructions (style, out, result);
    return g_string_free (out, FALSE);
}
