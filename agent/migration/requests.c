/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What comes in over the control socket while a migration runs. Each request is answered once: with
 * what will happen, or with why it will not. */
#include <unistd.h>

#include "agent/migration/requests-internal.h"
#include "qmp/value.h"

json_object *
request_refuse (ExitCode code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    return qmp_object ("error", json_object_new_string (text), "exit_code",
                       json_object_new_int ((int)code), NULL);
}

json_object *
request_agree (const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    return qmp_object ("text", json_object_new_string (text), NULL);
}

gboolean
request_is_in_postcopy (const Migration *m)
{
    return m->postcopy_sent || status_is_postcopy (m->status);
}

static json_object *
on_cancel (Migration *m, Vm *vm, json_object *arguments)
{
    if (!m->source)
        return request_refuse (EXIT_REFUSED,
                               "cancel: a guest that arrives is cancelled at its source");
    if (request_is_in_postcopy (m))
        return request_refuse (
            EXIT_REFUSED, "cancel: refused: the guest has switched to postcopy and lives on both "
                          "ends; cancelling now would lose it");
    if (m->continued || m->status == STATUS_DEVICE || m->status == STATUS_COMPLETED)
        return request_refuse (EXIT_REFUSED, "cancel: too late: the guest is being handed over");
    m->cancel_wanted = TRUE;
    return request_agree ("cancelling: the guest stays on the source");
}

json_object *
request_postcopy (Migration *m, Vm *vm, json_object *arguments)
{
    if (request_is_in_postcopy (m))
        return request_refuse (EXIT_REFUSED, "postcopy: the guest has switched already");
    if (m->limits.postcopy == QMPMIG_POSTCOPY_NEVER || !m->source)
        return request_refuse (EXIT_REFUSED,
                               "postcopy: it is not armed; that can only be done before the start "
                               "(--postcopy fallback)");
    if (!run_state_is_live (m->source_run_state))
        return request_refuse (EXIT_REFUSED,
                               "postcopy: the guest does not run, so pre-copy will end by itself");
    m->postcopy_wanted = TRUE;
    return request_agree ("switching to postcopy: from now on there is no way back");
}

static json_object *
on_postcopy_pause (Migration *m, Vm *vm, json_object *arguments)
{
    g_autoptr (json_object) reply = NULL;
    g_autoptr (GError) error = NULL;

    if (!request_is_in_postcopy (m) || !m->source)
        return request_refuse (EXIT_REFUSED, "postcopy --pause: the migration is not in postcopy");
    if (m->tracker.last.remaining_bytes == 0)
        return request_refuse (
            EXIT_REFUSED,
            "postcopy --pause: refused: all memory has been sent, and a source that is "
            "paused now fails (QEMU would run the guest there too)");
    reply =
        qmp_client_call_full (m->source->client, "migrate-pause", NULL, QMP_CALL_OOB, 0, &error);
    if (!reply)
        return request_refuse (EXIT_REFUSED, "%s", error->message);
    return request_agree ("postcopy is being broken on purpose; `qmpmig recover` brings it on");
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
                 : request_refuse (EXIT_INTERNAL, "%s", error->message);
}

/* One that somebody else started is tuned, not ended; and where we only look on, not even that. */
static json_object *
spare (const Migration *m, const Request *request)
{
    const char *by = qmp_peek_string (request->arguments, "by", "");
    RequestKind kind = request->kind;

    if (m->helm.observes &&
        (kind == REQUEST_SET || kind == REQUEST_FINISH || kind == REQUEST_POSTCOPY))
        return request_refuse (EXIT_REFUSED,
                               "refused: this qmpmig only observes (steer --observe)");
    if (m->foresees && kind != REQUEST_CANCEL && kind != REQUEST_GET && kind != REQUEST_QMP)
        return request_refuse (EXIT_REFUSED,
                               "refused: the migration has not begun: QEMU still measures "
                               "the guest (--predict)");
    if (kind == REQUEST_CANCEL && (m->launch || m->foresees))
        return NULL;
    if (m->is_foreign && (kind == REQUEST_CANCEL || kind == REQUEST_POSTCOPY_PAUSE ||
                          (kind == REQUEST_FINISH && g_str_equal (by, "pause"))))
        return request_refuse (
            EXIT_REFUSED,
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
    { REQUEST_POSTCOPY, request_postcopy },
    { REQUEST_POSTCOPY_PAUSE, on_postcopy_pause },
    { REQUEST_FINISH, request_finish },
    { REQUEST_SET, request_set },
    { REQUEST_GET, request_get },
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
