/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The other end of a QMP connection, in a thread, acting out a list of steps. A step that does not
 * go as written aborts the test. When the list is over the peer reads until we close.
 *
 * In what is sent, ' stands for " and $NAME for the id of the last command of that name that was
 * expected: "{'return': {}, 'id': $query-status}". */
#pragma once

#include <gio/gio.h>

typedef enum {
    STEP_END,
    STEP_SEND,     /* TEXT, and a newline */
    STEP_SEND_RAW, /* TEXT as it is */
    STEP_PIECES,   /* TEXT and a newline, NUMBER bytes at a time, each after the last was read */
    STEP_FLOOD,    /* TEXT and a newline, NUMBER times, in one go */
    STEP_EXPECT,   /* the next message is the command TEXT */
    STEP_EXPECT_OOB,
    STEP_EXPECT_FD, /* the same with one descriptor, which it writes its name to */
    STEP_PAUSE,     /* NUMBER ms */
    STEP_GATE,      /* until script_peer_go () */
    STEP_DEAF,      /* reads nothing until we close */
    STEP_CLOSE,
} StepKind;

typedef struct {
    StepKind kind;
    const char *text;
    gsize number;
} Step;

#define SEND(t)                                                                                    \
    {                                                                                              \
        STEP_SEND, t, 0                                                                            \
    }
#define SEND_RAW(t)                                                                                \
    {                                                                                              \
        STEP_SEND_RAW, t, 0                                                                        \
    }
#define SEND_PIECES(t, n)                                                                          \
    {                                                                                              \
        STEP_PIECES, t, n                                                                          \
    }
#define FLOOD(t, n)                                                                                \
    {                                                                                              \
        STEP_FLOOD, t, n                                                                           \
    }
#define EXPECT(name)                                                                               \
    {                                                                                              \
        STEP_EXPECT, name, 0                                                                       \
    }
#define EXPECT_OOB(name)                                                                           \
    {                                                                                              \
        STEP_EXPECT_OOB, name, 0                                                                   \
    }
#define EXPECT_FD(name)                                                                            \
    {                                                                                              \
        STEP_EXPECT_FD, name, 0                                                                    \
    }
#define PAUSE(ms)                                                                                  \
    {                                                                                              \
        STEP_PAUSE, NULL, ms                                                                       \
    }
#define GATE                                                                                       \
    {                                                                                              \
        STEP_GATE, NULL, 0                                                                         \
    }
#define DEAF                                                                                       \
    {                                                                                              \
        STEP_DEAF, NULL, 0                                                                         \
    }
#define CLOSE                                                                                      \
    {                                                                                              \
        STEP_CLOSE, NULL, 0                                                                        \
    }
#define END                                                                                        \
    {                                                                                              \
        STEP_END, NULL, 0                                                                          \
    }

#define GREETING_TEXT                                                                              \
    "{'QMP': {'version': {'qemu': {'major': 10, 'minor': 0, 'micro': 2}, 'package': 'Test 1'}, "   \
    "'capabilities': ['oob']}}"
#define GREETING  SEND (GREETING_TEXT)
#define NEGOTIATE EXPECT ("qmp_capabilities"), SEND ("{'return': {}, 'id': $qmp_capabilities}")
#define HELLO     GREETING, NEGOTIATE

typedef struct ScriptPeer ScriptPeer;

/* STEPS must outlive the peer. */
ScriptPeer *script_peer_start (const Step *steps);
/* The same over two pipes, as a subprocess has. */
ScriptPeer *script_peer_start_pipes (const Step *steps);
/* Waits for the peer to have acted all its steps; the stream must be closed by then. */
void script_peer_finish (ScriptPeer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScriptPeer, script_peer_finish)

/* Our end, owned by the caller. */
GIOStream *script_peer_take_stream (ScriptPeer *self);

/* Opens the next STEP_GATE. */
void script_peer_go (ScriptPeer *self);
