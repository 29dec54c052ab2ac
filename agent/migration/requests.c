/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What comes in over the control socket while a migration runs. Each request is answered once: with
 * what will happen, or with why it will not. */
#include <string.h>
#include <unistd.h>

#include "agent/migration/error.h"
#include "agent/migration/migration.h"
#include "qmp/value.h"

/* QEMU takes no longer downtime-limit. */
#define MAX_DOWNTIME_US (2000 * G_TIME_SPAN_SECOND)

static json_object *refuse (ExitCode code, const char *format, ...) G_GNUC_PRINTF (2, 3);

static json_object *
refuse (ExitCode code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    return qmp_object ("error", json_object_new_string (text), "exit_code",
                       json_object_new_int ((int)code), NULL);
}

static json_object *agree (const char *format, ...) G_GNUC_PRINTF (1, 2);

static json_object *
agree (const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    return qmp_object ("text", json_object_new_string (text), NULL);
}

static gboolean
is_in_postcopy (const Migration *m)
{
    return m->postcopy_sent || status_is_postcopy (m->status);
}

static json_object *
on_cancel (Migration *m, Vm *vm, json_object *arguments)
{
    if (!m->source)
        return refuse (EXIT_REFUSED, "cancel: a guest that arrives is cancelled at its source");
    if (is_in_postcopy (m))
        return refuse (EXIT_REFUSED,
                       "cancel: refused: the guest has switched to postcopy and lives on both "
                       "ends; cancelling now would lose it");
    if (m->continued || m->status == STATUS_DEVICE || m->status == STATUS_COMPLETED)
        return refuse (EXIT_REFUSED, "cancel: too late: the guest is being handed over");
    m->cancel_wanted = TRUE;
    return agree ("cancelling: the guest stays on the source");
}

static json_object *
on_postcopy (Migration *m, Vm *vm, json_object *arguments)
{
    if (is_in_postcopy (m))
        return refuse (EXIT_REFUSED, "postcopy: the guest has switched already");
    if (m->limits.postcopy == QMPMIG_POSTCOPY_NEVER || !m->source)
        return refuse (EXIT_REFUSED,
                       "postcopy: it is not armed; that can only be done before the start "
                       "(--postcopy fallback)");
    if (!run_state_is_live (m->source_run_state))
        return refuse (EXIT_REFUSED,
                       "postcopy: the guest does not run, so pre-copy will end by itself");
    m->postcopy_wanted = TRUE;
    return agree ("switching to postcopy: from now on there is no way back");
}

static json_object *
on_postcopy_pause (Migration *m, Vm *vm, json_object *arguments)
{
    g_autoptr (json_object) reply = NULL;
    g_autoptr (GError) error = NULL;

    if (!is_in_postcopy (m) || !m->source)
        return refuse (EXIT_REFUSED, "postcopy --pause: the migration is not in postcopy");
    if (m->tracker.last.remaining_bytes == 0)
        return refuse (EXIT_REFUSED,
                       "postcopy --pause: refused: all memory has been sent, and a source that is "
                       "paused now fails (QEMU would run the guest there too)");
    reply =
        qmp_client_call_full (m->source->client, "migrate-pause", NULL, QMP_CALL_OOB, 0, &error);
    if (!reply)
        return refuse (EXIT_REFUSED, "%s", error->message);
    return agree ("postcopy is being broken on purpose; `qmpmig recover` brings it on");
}

/* Pre-copy ends when what a sync finds fits: that, or more if more remains now. */
static guint64
needed_downtime_us (const Sample *s)
{
    guint64 most = s->remaining_bytes;

    if (s->downtime_if_stopped_us == SAMPLE_UNKNOWN || s->bandwidth_bytes_per_s == SAMPLE_UNKNOWN ||
        s->bandwidth_bytes_per_s == 0)
        return s->downtime_if_stopped_us;
    if (s->remaining_at_sync_bytes != SAMPLE_UNKNOWN)
        most = MAX (most, s->remaining_at_sync_bytes);
    return MAX (s->downtime_if_stopped_us,
                (guint64)((double)most * G_USEC_PER_SEC / (double)s->bandwidth_bytes_per_s));
}

/* With a fifth to spare; the guest goes on writing, so it is asked again after each look. */
gboolean
migration_press_downtime (Migration *m, GError **error)
{
    const Sample *s = &m->tracker.last;
    guint64 needed_us = needed_downtime_us (s);
    guint64 limit_ms;

    if (m->finish_cap_us == 0 || needed_us == SAMPLE_UNKNOWN)
        return TRUE;
    limit_ms = MIN (needed_us / 1000 * 12 / 10 + 10, m->finish_cap_us / 1000);
    if (s->downtime_limit_us != SAMPLE_UNKNOWN && limit_ms * 1000 <= s->downtime_limit_us)
        return TRUE;
    m->limits.max_downtime_us = MAX (m->limits.max_downtime_us, limit_ms * 1000);
    return migration_apply (
        m, qmp_object ("downtime-limit", json_object_new_uint64 (limit_ms), NULL), NULL, error);
}

static json_object *
finish_by_downtime (Migration *m, guint64 needed_us, guint64 cap_us)
{
    g_autofree char *text = units_format_time (needed_us);
    g_autoptr (GError) error = NULL;
    json_object *answer;

    m->finish_cap_us = cap_us;
    if (!migration_press_downtime (m, &error))
        return refuse (EXIT_FAILED, "finish: %s", error->message);
    answer = agree ("raising the downtime limit: a blackout of about %s is expected", text);
    json_object_object_add (answer, "expected_blackout_us", json_object_new_uint64 (needed_us));
    return answer;
}

static json_object *
finish_by_pause (Migration *m, guint64 needed_us)
{
    g_autofree char *text = needed_us == SAMPLE_UNKNOWN ? NULL : units_format_time (needed_us);
    g_autoptr (GError) error = NULL;

    if (!migration_pause_guest (m, &error))
        return refuse (EXIT_FAILED, "finish: %s", error->message);
    if (!text)
        return agree ("the guest is stopped at the source until it has moved: it is too early to "
                      "tell how long");
    return agree ("the guest is stopped at the source until it has moved: about %s", text);
}

static json_object *
on_finish (Migration *m, Vm *vm, json_object *arguments)
{
    const char *by = qmp_peek_string (arguments, "by", NULL);
    guint64 needed_us = needed_downtime_us (&m->tracker.last);
    guint64 allowed_us = m->limits.max_downtime_us;
    g_autofree char *needed = NULL;
    g_autofree char *allowed = units_format_time (allowed_us);

    if (!m->source || is_in_postcopy (m) || m->continued)
        return refuse (EXIT_REFUSED,
                       "finish: the migration is past the point where it can be hurried");
    m->tracker.why |= QMPMIG_WHY_FINISH;
    if (g_strcmp0 (by, "pause") == 0)
        return finish_by_pause (m, needed_us);
    if (g_strcmp0 (by, "postcopy") == 0)
        return on_postcopy (m, vm, arguments);
    if (needed_us == SAMPLE_UNKNOWN)
        return refuse (EXIT_REFUSED, "finish: it is too early to tell what it would cost");
    needed = units_format_time (needed_us);
    if (g_strcmp0 (by, "downtime") == 0)
        return finish_by_downtime (m, needed_us, MAX_DOWNTIME_US);
    if (needed_us <= allowed_us)
        return finish_by_downtime (m, needed_us, allowed_us);
    if (m->limits.postcopy != QMPMIG_POSTCOPY_NEVER)
        return on_postcopy (m, vm, arguments);
    return refuse (
        EXIT_REFUSED,
        "finish: it would take a blackout of about %s, and %s is permitted: --by downtime "
        "or --by pause spends it",
        needed, allowed);
}

/* What both limits allow. A throttle that is stronger now is lowered. */
static void
limit_throttle (Migration *m, json_object *qemu)
{
    m->limits.max_throttle_pct =
        MIN (plan_throttle_cap (m->limits.max_stall_us), m->options->max_throttle_pct);
    if (m->tracker.throttle_commanded_pct > m->limits.max_throttle_pct)
        helm_add_throttle (qemu, m->limits.max_throttle_pct);
}

/* Limits by the names of the options; FALSE when NAME is none. */
static gboolean
set_limit (Migration *m, const char *name, const char *text, json_object *qemu, GError **error)
{
    guint64 value;
    guint pct;

    if (g_str_equal (name, "max-downtime") && units_parse_time (name, text, &value, error)) {
        m->limits.max_downtime_us = value;
        json_object_object_add (qemu, "downtime-limit", json_object_new_uint64 (value / 1000));
    } else if (g_str_equal (name, "max-stall") && units_parse_time (name, text, &value, error)) {
        m->limits.max_stall_us = value;
        limit_throttle (m, qemu);
    } else if (g_str_equal (name, "deadline") && units_parse_time (name, text, &value, error)) {
        m->limits.deadline_us = value;
    } else if (g_str_equal (name, "max-throttle") &&
               units_parse_percent (name, text, &pct, error)) {
        m->options->max_throttle_pct = CLAMP (pct, 1, 99);
        limit_throttle (m, qemu);
    } else if (g_str_equal (name, "bandwidth") && units_parse_rate (name, text, &value, error)) {
        json_object_object_add (qemu, "max-bandwidth",
                                json_object_new_uint64 (value == UNITS_UNLIMITED ? 0 : value));
        m->options->bandwidth_bytes_per_s = value;
        migration_ask_bandwidth (m, value == UNITS_UNLIMITED ? 0 : value);
    } else {
        return FALSE;
    }
    return TRUE;
}

/* What is in force: QEMU's parameters and our limits. */
static json_object *
on_get (Migration *m, Vm *vm, json_object *arguments)
{
    g_autoptr (GError) error = NULL;
    json_object *reply = qmp_client_call (vm->client, "query-migrate-parameters", NULL, &error);

    if (!reply)
        return refuse (EXIT_UNREACHABLE, "get: %s", error->message);
    return qmp_object ("parameters", reply, "limits", migration_limits_to_json (m), NULL);
}

/* The limits are taken; *ret_qemu is what QEMU has to be told on top. */
static gboolean
take_settings (Migration *m, json_object *arguments, json_object *qemu, GError **error)
{
    json_object_object_foreach (arguments, name, value) {
        g_autoptr (GError) why = NULL;

        if (!value)
            return migrate_fail (error, EXIT_USAGE, "%s: null is no value", name);
        if (set_limit (m, name, json_object_get_string (value), qemu, &why))
            continue;
        if (why) {
            g_propagate_error (error, g_steal_pointer (&why));
            return FALSE;
        }
        json_object_object_add (qemu, name, json_object_get (value));
    }
    return TRUE;
}

static void
note_applied (Migration *m, Vm *vm, json_object *qemu)
{
    migration_post (m, "applied",
                    qmp_object ("parameters", json_object_get (qemu), "answer",
                                json_object_new_string ("ok"), NULL));
    migration_note_set (m, vm, qemu);
    if (m->tracker.throttle_commanded_pct > m->limits.max_throttle_pct)
        m->tracker.throttle_commanded_pct = m->limits.max_throttle_pct;
}

/* All or nothing. */
static json_object *
on_set (Migration *m, Vm *vm, json_object *arguments)
{
    g_autoptr (json_object) qemu = json_object_new_object ();
    g_autoptr (GError) error = NULL;
    Limits before = m->limits;
    guint throttle_before = m->options->max_throttle_pct;
    guint64 bandwidth_before = m->options->bandwidth_bytes_per_s;
    guint64 asked_before = m->bandwidth_asked;
    gboolean taken = take_settings (m, arguments, qemu, &error);
    json_object *reply;

    if (taken && json_object_object_length (qemu) > 0 &&
        vm_tell (vm, "migrate-set-parameters", json_object_get (qemu), &error))
        note_applied (m, vm, qemu);
    if (error) {
        m->limits = before;
        m->options->max_throttle_pct = throttle_before;
        m->options->bandwidth_bytes_per_s = bandwidth_before;
        m->bandwidth_asked = asked_before;
        return refuse (taken ? EXIT_REFUSED : EXIT_USAGE, "set: %s", error->message);
    }
    m->tracker.why |= QMPMIG_WHY_LIMITS;
    reply = on_get (m, vm, arguments);
    json_object_object_add (reply, "cut", migration_cut_limits (m, arguments));
    return reply;
}

static json_object *
on_qmp (Migration *m, Vm *vm, json_object *arguments)
{
    const char *command = qmp_peek_string (arguments, "execute", "");
    json_object *inner = qmp_peek (arguments, "arguments");
    QmpCallFlags flags = qmp_peek_bool (arguments, "oob", FALSE) ? QMP_CALL_OOB : QMP_CALL_DEFAULT;
    g_autoptr (GError) error = NULL;
    json_object *reply;

    reply = qmp_client_call_full (vm->client, command, json_object_get (inner), flags, 0, &error);
    return reply ? qmp_object ("return", reply, NULL)
                 : refuse (EXIT_INTERNAL, "%s", error->message);
}

/* One that somebody else started is tuned, not ended; and where we only look on, not even that. */
static json_object *
spare (const Migration *m, const Request *request)
{
    const char *by = qmp_peek_string (request->arguments, "by", "");
    RequestKind kind = request->kind;

    if (m->helm.observes &&
        (kind == REQUEST_SET || kind == REQUEST_FINISH || kind == REQUEST_POSTCOPY))
        return refuse (EXIT_REFUSED, "refused: this qmpmig only observes (steer --observe)");
    if (m->foresees && kind != REQUEST_CANCEL && kind != REQUEST_GET && kind != REQUEST_QMP)
        return refuse (EXIT_REFUSED, "refused: the migration has not begun: QEMU still measures "
                                     "the guest (--predict)");
    if (kind == REQUEST_CANCEL && (m->launch || m->foresees))
        return NULL;
    if (m->is_foreign && (kind == REQUEST_CANCEL || kind == REQUEST_POSTCOPY_PAUSE ||
                          (kind == REQUEST_FINISH && g_str_equal (by, "pause"))))
        return refuse (EXIT_REFUSED,
                       "refused: this qmpmig tunes a migration that somebody else started, and "
                       "leaves it to them to stop it; without it (pid %d) QEMU can be asked",
                       (int)getpid ());
    return NULL;
}

static const struct {
    RequestKind kind;
    json_object *(*answer) (Migration *m, Vm *vm, json_object *arguments);
} handlers[] = {
    { REQUEST_CANCEL, on_cancel },
    { REQUEST_POSTCOPY, on_postcopy },
    { REQUEST_POSTCOPY_PAUSE, on_postcopy_pause },
    { REQUEST_FINISH, on_finish },
    { REQUEST_SET, on_set },
    { REQUEST_GET, on_get },
    { REQUEST_QMP, on_qmp },
};

/* The end through whose control socket the request came. */
static Vm *
asked_end (const Migration *m, const Request *request)
{
    if (!m->source || (request->monitor == 1 && m->destination))
        return m->destination;
    return m->source;
}

void
migration_answer_requests (Migration *m)
{
    Request *request;

    while ((request = board_take (m->board)))
        for (guint i = 0; i < G_N_ELEMENTS (handlers); i++)
            if (handlers[i].kind == request->kind) {
                json_object *answer = spare (m, request);

                if (!answer)
                    answer = handlers[i].answer (m, asked_end (m, request), request->arguments);
                board_answer (m->board, request, answer);
                break;
            }
}
