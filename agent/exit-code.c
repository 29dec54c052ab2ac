/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exit-code.h"

#include <stddef.h>

static const struct {
    ExitCode code;
    const char *meaning, *outcome, *guest_runs_on;
} codes[] = {
    { EXIT_DONE, "done; after a move: the guest is on the destination", "completed",
      "destination" },
    { EXIT_INTERNAL, "unexpected error; look at `qmpmig status`", "failed", "unknown" },
    { EXIT_USAGE, "usage or configuration error; nothing was contacted", "failed", "unknown" },
    { EXIT_UNREACHABLE,
      "QEMU could not be reached, or its monitor is held; the guest is untouched by us", "failed",
      "unknown" },
    { EXIT_REFUSED, "refused before the start; the guest is untouched", "failed", "unknown" },
    { EXIT_FAILED, "failed; the guest is on the source as before", "failed", "source" },
    { EXIT_CANCELLED, "cancelled on request; the guest is on the source as before", "cancelled",
      "source" },
    { EXIT_POSTCOPY_PAUSED, "postcopy is paused, half of the guest on each side: qmpmig recover",
      "postcopy-paused", "both-halves" },
    { EXIT_UNDECIDED,
      "nobody may run the guest until you decide; it is intact, and the message says what to check",
      "undecided", "nowhere" },
    { EXIT_GUEST_ENDED, "the guest ended during the move", "guest-ended", "nowhere" },
    { EXIT_LEFT, "left while it goes on: qmpmig status, qmpmig recover", "left", "unknown" },
};

static size_t
find (ExitCode code)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].code == code)
            return i;
    return 1; /* unexpected, as EXIT_INTERNAL is */
}

const char *
exit_code_meaning (ExitCode code)
{
    return codes[find (code)].meaning;
}

const char *
exit_code_outcome (ExitCode code)
{
    return codes[find (code)].outcome;
}

const char *
exit_code_guest_runs_on (ExitCode code)
{
    return codes[find (code)].guest_runs_on;
}
