/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the exit codes promise. Promises start at 10: sudo, shells and ssh produce 1 and 126 to 255.
 */
#pragma once

typedef enum {
    EXIT_DONE = 0,
    EXIT_INTERNAL = 1,
    EXIT_USAGE = 2,            /* nothing was contacted */
    EXIT_UNREACHABLE = 3,      /* guest untouched by us */
    EXIT_REFUSED = 4,          /* refused before the start; guest untouched */
    EXIT_FAILED = 10,          /* guest on the source, as before */
    EXIT_CANCELLED = 11,       /* guest on the source, as before */
    EXIT_POSTCOPY_PAUSED = 12, /* half on each side: recover */
    EXIT_UNDECIDED = 13,       /* nobody may run it; intact */
    EXIT_GUEST_ENDED = 14,
    EXIT_LEFT = 15, /* it goes on without us */
} ExitCode;

/* One line for people. */
const char *exit_code_meaning (ExitCode code);
/* The same in the words of a `result` (docs/json.md), for an error that has no more to say. */
const char *exit_code_outcome (ExitCode code);
const char *exit_code_guest_runs_on (ExitCode code);
