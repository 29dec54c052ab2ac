/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/policy-exec-line.h"

#include <stddef.h>
#include <string.h>

#include "agent/steering/policy-internal.h"
#include "agent/steering/sample.h"
#include "qmp/value.h"

#define MAX_DEPTH 8

static char *
text_of (json_object *line)
{
    char *text = g_strconcat (json_object_to_json_string_ext (
                                  line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
                              "\n", NULL);

    json_object_put (line);
    return text;
}

/* --- what it is told ------------------------------------------------------------------------- */

static const char *
kind_name (guint32 kind)
{
    static const char *const names[] = {
        [QMPMIG_KIND_OWN] = "own",
        [QMPMIG_KIND_LIBVIRT] = "libvirt",
        [QMPMIG_KIND_FOREIGN] = "foreign",
        [QMPMIG_KIND_SIMULATED] = "simulated",
    };

    return kind < G_N_ELEMENTS (names) ? names[kind] : "own";
}

static void
add_known (json_object *to, const char *name, guint64 value)
{
    if (value != QMPMIG_UNKNOWN)
        json_object_object_add (to, name, json_object_new_uint64 (value));
}

static void
add_text (json_object *to, const char *name, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid (text, -1);

    if (*valid)
        json_object_object_add (to, name, json_object_new_string (valid));
}

char *
exec_line_header (const struct qmpmig_context *context)
{
    json_object *line =
        qmp_object ("type", json_object_new_string ("header"), "t_us", json_object_new_uint64 (0),
                    "format", json_object_new_string ("qmpmig-1"), "kind",
                    json_object_new_string (kind_name (context->kind)), NULL);

    add_text (line, "vm_name", context->vm_name);
    add_text (line, "vm_uuid", context->vm_uuid);
    add_text (line, "accelerator", context->accelerator);
    add_known (line, "qemu_major", context->qemu_major);
    add_known (line, "qemu_minor", context->qemu_minor);
    add_known (line, "qemu_micro", context->qemu_micro);
    add_known (line, "ram_bytes", context->ram_bytes);
    add_known (line, "vcpus", context->vcpus);
    add_known (line, "page_size_bytes", context->page_size_bytes);
    add_known (line, "seed", context->seed);
    return text_of (line);
}

static const char *
status_name (guint32 status)
{
    static const char *const names[] = {
        [QMPMIG_STATUS_OTHER] = "other",
        [QMPMIG_STATUS_SETUP] = "setup",
        [QMPMIG_STATUS_ACTIVE] = "active",
        [QMPMIG_STATUS_PRE_SWITCHOVER] = "pre-switchover",
        [QMPMIG_STATUS_DEVICE] = "device",
        [QMPMIG_STATUS_POSTCOPY] = "postcopy-active",
        [QMPMIG_STATUS_POSTCOPY_PAUSED] = "postcopy-paused",
        [QMPMIG_STATUS_ENDED] = "completed",
    };

    return status < G_N_ELEMENTS (names) ? names[status] : names[0];
}

static const char *
run_state_name (guint32 state)
{
    return state == QMPMIG_RUN_STATE_RUNNING  ? "running"
           : state == QMPMIG_RUN_STATE_PAUSED ? "paused"
                                              : NULL;
}

char *
exec_line_sample (const struct qmpmig_sample *sample)
{
    json_object *line = sample_to_json (sample, NULL, status_name (sample->status),
                                        run_state_name (sample->run_state));

    json_object_object_add (line, "type", json_object_new_string ("sample"));
    add_known (line, "t_us", sample->now_us);
    add_known (line, "if_stuck", sample->limits.if_stuck);
    add_known (line, "postcopy", sample->limits.postcopy);
    return text_of (line);
}

/* --- what it says ---------------------------------------------------------------------------- */

#define ADVICE(name, bit)                                                                          \
    {                                                                                              \
#name, offsetof(struct qmpmig_advice, name), bit                                           \
    }

static const struct {
    const char *name;
    gsize offset;
    guint64 set; /* 0: it changes nothing */
} numbers[] = {
    ADVICE (throttle_pct, QMPMIG_SET_THROTTLE),
    ADVICE (downtime_limit_us, QMPMIG_SET_DOWNTIME),
    ADVICE (bandwidth_bytes_per_s, QMPMIG_SET_BANDWIDTH),
    ADVICE (postcopy_bandwidth_bytes_per_s, QMPMIG_SET_POSTCOPY_BANDWIDTH),
    ADVICE (switchover_bandwidth_bytes_per_s, QMPMIG_SET_SWITCHOVER_BANDWIDTH),
    ADVICE (xbzrle_cache_bytes, QMPMIG_SET_XBZRLE_CACHE),
    ADVICE (dirty_limit_bytes_per_s, QMPMIG_SET_DIRTY_LIMIT),
    ADVICE (ask_again_us, 0),
    ADVICE (needs, 0),
    ADVICE (needed_downtime_us, 0),
    ADVICE (needed_bandwidth_bytes_per_s, 0),
    ADVICE (needed_throttle_pct, 0),
    ADVICE (remaining_us, 0),
    ADVICE (remaining_p90_us, 0),
    ADVICE (blackout_us, 0),
    ADVICE (blackout_p90_us, 0),
    ADVICE (work_lost_us, 0),
    ADVICE (reason_code, 0),
};

static gboolean
fail (GError **error, const char *name, const char *what)
{
    return policy_fail (error, EXIT_INTERNAL, "%s %s", name, what);
}

static gboolean
read_number (json_object *line, const char *name, guint64 *ret, gboolean *ret_found, GError **error)
{
    json_object *value = qmp_peek (line, name);

    *ret_found = value != NULL;
    if (!value)
        return TRUE;
    if (!json_object_is_type (value, json_type_int) || json_object_get_int64 (value) < 0)
        return fail (error, name, "is no whole number");
    *ret = json_object_get_uint64 (value);
    return TRUE;
}

static gboolean
read_numbers (json_object *line, struct qmpmig_advice *advice, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
        guint64 *to = (guint64 *)((char *)advice + numbers[i].offset);
        gboolean found;

        if (!read_number (line, numbers[i].name, to, &found, error))
            return FALSE;
        if (found)
            advice->set |= numbers[i].set;
    }
    return TRUE;
}

static gboolean
read_word (json_object *line, const char *name, const char *const *words, guint64 *ret,
           GError **error)
{
    json_object *value = qmp_peek (line, name);

    if (!value)
        return TRUE;
    for (guint i = 0; words[i]; i++)
        if (json_object_is_type (value, json_type_string) &&
            g_str_equal (words[i], json_object_get_string (value))) {
            *ret = i;
            return TRUE;
        }
    return fail (error, name, "is none of the words that it can be");
}

static gboolean
read_words (json_object *line, struct qmpmig_advice *advice, GError **error)
{
    static const char *const actions[] = { "none", "postcopy", "pause-guest", "cancel", NULL };
    static const char *const verdicts[] = { "unknown", "on-course", "needs-action",
                                            "cannot-within-limits", NULL };
    json_object *reason = qmp_peek (line, "reason");

    if (reason && !json_object_is_type (reason, json_type_string))
        return fail (error, "reason", "is no text");
    if (reason)
        g_strlcpy (advice->reason, json_object_get_string (reason), sizeof advice->reason);
    return read_word (line, "action", actions, &advice->action, error) &&
           read_word (line, "verdict", verdicts, &advice->verdict, error);
}

static json_object *
parse (const char *text)
{
    json_tokener *tokener = json_tokener_new_ex (MAX_DEPTH);
    json_object *line = json_tokener_parse_ex (tokener, text, (int)strlen (text) + 1);

    if (json_tokener_get_error (tokener) != json_tokener_success ||
        !json_object_is_type (line, json_type_object))
        g_clear_pointer (&line, json_object_put);
    json_tokener_free (tokener);
    return line;
}

gboolean
exec_line_advice (const char *text, guint64 *ret_sequence, struct qmpmig_advice *advice,
                  GError **error)
{
    g_autoptr (json_object) line = parse (text);
    g_autofree char *shown = g_strndup (text, 60);
    struct qmpmig_advice read;
    gboolean found;

    if (!line)
        return policy_fail (error, EXIT_INTERNAL, "it says what is no JSON object: %s", shown);
    if (!read_number (line, "sequence", ret_sequence, &found, error))
        return FALSE;
    if (!found)
        return policy_fail (error, EXIT_INTERNAL,
                            "it does not say which sample it answers, by its sequence: %s", shown);
    policy_default_advice (&read);
    if (!read_numbers (line, &read, error) || !read_words (line, &read, error))
        return FALSE;
    *advice = read;
    return TRUE;
}
