/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/exit-code.h"

const char *
exit_code_meaning (ExitCode code)
{
    switch (code) {
    case EXIT_DONE:
        return "done; after a move: the guest is on the destination";
    case EXIT_INTERNAL:
        return "unexpected error; look at `qmpmig status`";
    case EXIT_USAGE:
        return "usage or configuration error; nothing was contacted";
    case EXIT_UNREACHABLE:
        return "QEMU could not be reached, or its monitor is held; the guest is untouched";
    case EXIT_REFUSED:
        return "refused before the start; the guest is untouched";
    case EXIT_FAILED:
        return "failed; the guest is on the source as before";
    case EXIT_CANCELLED:
        return "cancelled on request; the guest is on the source as before";
    case EXIT_POSTCOPY_PAUSED:
        return "postcopy is paused, half of the guest on each side: qmpmig recover";
    case EXIT_UNDECIDED:
        return "nobody may run the guest until you decide; it is intact, the message says what to "
               "do";
    case EXIT_GUEST_ENDED:
        return "the guest ended during the move";
    case EXIT_LEFT:
        return "left while it goes on: qmpmig status, qmpmig recover";
    }
    return "unknown";
}
