/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the migration's thread and the others meet. The thread posts lines (docs/json.md) and takes
 * requests; the main thread draws and writes the lines, and the control socket brings the requests.
 * What stands below a thread's name is for that thread. */
#pragma once

#include "qmp/message.h"

typedef struct Board Board;

/* What is asked for; its arguments -> its answer. "text" is one sentence for people. */
typedef enum {
    REQUEST_CANCEL,         /* {} -> {"text"}: asked for; the `result` line says how it ended */
    REQUEST_POSTCOPY,       /* {} -> {"text"} */
    REQUEST_POSTCOPY_PAUSE, /* {} -> {"text"} */
    REQUEST_FINISH, /* {} or {"by": "downtime"|"postcopy"|"pause"} -> {"text"}: what is done */
    /* {KEY: value}: the options of our limits by name with their text ("max-downtime": "300ms"),
     * QEMU's parameters by name with the value that QEMU takes (300) -> as REQUEST_GET */
    REQUEST_SET,
    /* {} -> {"parameters": QEMU's, all, "limits": as in the `header` line, as they are now} */
    REQUEST_GET,
    /* {"execute", "arguments", "force": bool, "oob": bool} -> {"return": whatever QEMU said} */
    REQUEST_QMP,
} RequestKind;

/* One question to the migration's thread, allocated with g_new. Answered exactly once, with
 * board_answer(); on an error the answer is {"error": TEXT, "exit_code": N}, else an object for the
 * command at hand. */
typedef struct {
    RequestKind kind;
    guint monitor; /* through whose control socket: index in MONITORS of control_server_new() */
    json_object *arguments; /* never NULL in what board_take() gives */
    /* In the main context; the answer is borrowed. May be NULL. */
    void (*answered) (json_object *answer, gpointer data);
    gpointer data;
} Request;

/* MAIN is the context of the thread that reads lines; WORK that of the migration's thread, which
 * is woken by a request. */
Board *board_new (GMainContext *main, GMainContext *work);
/* In the main thread, after the migration's thread has ended: delivers what waits. */
void board_free (Board *self);

/* The migration's thread. */
void board_post (Board *self, json_object *line); /* takes LINE */
/* The same for a line no part of which anybody else holds: it goes over as it is. */
void board_post_own (Board *self, json_object *line);
Request *board_take (Board *self);                                      /* NULL: none waits */
void board_answer (Board *self, Request *request, json_object *answer); /* takes both */
/* Nobody takes requests any more: those that wait, those taken and not answered, and those to come
 * are answered with an error. Posting the `result` does it for those not yet taken. */
void board_close (Board *self);

/* The main thread: LISTENER sees every line, in order, in the main context. */
typedef void (*BoardListener) (json_object *line, gpointer data); /* LINE is borrowed */
/* From here on, before anything is posted, lines wait for board_deliver(): with hundreds of boards
 * a look at all of them costs less than to be woken for each line. Answers wake as ever. */
void board_hold (Board *self);
void board_deliver (Board *self);
guint board_listen (Board *self, BoardListener listener, gpointer data);
void board_unlisten (Board *self, guint handle);
/* The line that a listener is shown at the moment, as all write it, with its newline: made once for
 * all of them, and gone when they have returned. */
const char *board_text (Board *self);
void board_ask (Board *self, Request *request); /* takes REQUEST */
/* The newest line of that TYPE ("header", "plan", "sample", "result"), or NULL. A copy, owned by
 * the caller. */
json_object *board_latest (Board *self, const char *type);
