/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/settle.h"

/* clang-format off */
#define S(state) (1u << SOURCE_##state)
#define D(state) (1u << DESTINATION_##state)
#define ANY_SOURCE 0x7ffu
#define ANY_DESTINATION 0x1ffu
#define GONE (D (DEAD) | D (FAILED))
#define F(fact) FACT_##fact

const SettleRow settle_table[] = {
    /* Nothing was sent. */
    { S (IDLE), D (RUNS) | D (POSTCOPY) | D (POSTCOPY_PAUSED), 0, 0, SETTLE_UNDECIDED,
      "the source never sent anything, yet a guest is at the destination" },
    { S (IDLE), ANY_DESTINATION, 0, 0, SETTLE_SOURCE_KEEPS,
      "the migration was never started" },

    /* The source gave up or was told to. */
    { S (FAILED), D (RUNS), F (SOURCE_LIVE), 0, SETTLE_UNDECIDED,
      "both ends run a copy of the guest: stop one of them at once" },
    { S (FAILED), D (RUNS), 0, 0, SETTLE_DESTINATION_KEEPS,
      "the guest runs at the destination; the source does not" },
    { S (FAILED), D (WHOLE), 0, 0, SETTLE_QUIT_DESTINATION,
      "the source has taken the guest back; the destination's whole but stopped copy is stale" },
    { S (FAILED), D (POSTCOPY) | D (POSTCOPY_PAUSED), F (OWNED), F (SOURCE_LIVE), SETTLE_UNDECIDED,
      "the guest was on both halves when the source's migration ended" },
    { S (FAILED), D (POSTCOPY) | D (POSTCOPY_PAUSED), 0, 0, SETTLE_QUIT_DESTINATION,
      "the guest never left the source; the destination's half is stale" },
    { S (FAILED), D (SILENT), F (TOLD), F (SOURCE_LIVE), SETTLE_UNDECIDED,
      "the destination was told to run and does not answer" },
    { S (FAILED), ANY_DESTINATION, 0, 0, SETTLE_SOURCE_KEEPS,
      "the source has the guest" },

    /* Everything was sent. */
    { S (COMPLETED), D (RUNS) | D (WHOLE), 0, 0, SETTLE_DESTINATION_KEEPS,
      "the destination has the whole guest" },
    { S (COMPLETED), D (UNSEEN), 0, 0, SETTLE_HANDED_OVER,
      "the source has sent everything; the destination was not observed" },
    { S (COMPLETED), D (DEAD), F (RAN_THERE), 0, SETTLE_GUEST_ENDED,
      "the guest ran at the destination, and its QEMU is gone" },
    { S (COMPLETED), D (DEAD), F (OWNED), 0, SETTLE_GUEST_ENDED,
      "the guest ran at the destination, and its QEMU is gone" },
    { S (COMPLETED), D (DEAD), F (TOLD), 0, SETTLE_UNDECIDED,
      "the destination's QEMU is gone; it may have run the guest before" },
    { S (COMPLETED), D (DEAD), 0, 0, SETTLE_SOURCE_KEEPS,
      "the destination's QEMU is gone and never ran the guest" },
    { S (COMPLETED), D (FAILED), 0, F (OWNED), SETTLE_QUIT_DESTINATION,
      "the destination could not load what it was sent" },
    { S (COMPLETED), D (FAILED), 0, 0, SETTLE_UNDECIDED,
      "the destination had the guest and failed" },
    { S (COMPLETED), D (WAITING) | D (POSTCOPY), 0, F (LATE), SETTLE_WAIT,
      "the destination is loading the rest" },
    { S (COMPLETED), ANY_DESTINATION, 0, 0, SETTLE_UNDECIDED,
      "the source has sent everything, and the destination's state cannot be learned" },

    /* On its way, before the handover: going back is always safe. */
    { S (MOVING) | S (WAITS), D (RUNS), 0, 0, SETTLE_UNDECIDED,
      "the destination runs while the source still holds the guest" },
    { S (MOVING), D (WHOLE), 0, F (LATE), SETTLE_WAIT,
      "the destination is whole; the source is about to say so" },
    { S (MOVING) | S (WAITS), D (WAITING) | D (UNSEEN), F (FORWARD), 0, SETTLE_CARRY_ON,
      "the migration is alive" },
    { S (MOVING), D (POSTCOPY), F (FORWARD), 0, SETTLE_CARRY_ON,
      "the switch to postcopy is under way" },
    { S (MOVING) | S (WAITS), ANY_DESTINATION, 0, 0, SETTLE_CANCEL,
      "the guest is still the source's" },
    { S (ENDING), ANY_DESTINATION, 0, F (LATE), SETTLE_WAIT,
      "the source is giving up" },

    /* The rest is under way: a destination may get whole at any moment. */
    { S (DEVICE), GONE, 0, F (LATE), SETTLE_WAIT,
      "the destination is gone; the source will notice" },
    { S (DEVICE), GONE, F (YANK), 0, SETTLE_YANK,
      "the destination is gone and the source does not notice" },
    { S (DEVICE), D (WAITING) | D (WHOLE) | D (RUNS) | D (UNSEEN), 0, F (LATE), SETTLE_WAIT,
      "the source is sending the rest" },
    { S (DEVICE) | S (SILENT), D (WAITING) | D (SILENT), F (CLEARED) | F (YANK),
      F (TOLD) | F (OWNED), SETTLE_YANK,
      "the destination hangs and cannot start by itself: the source may take the guest back" },

    /* Postcopy. */
    { S (POSTCOPY) | S (POSTCOPY_PAUSED), GONE, 0, 0, SETTLE_GUEST_ENDED,
      "the guest was running at the destination, and its QEMU is gone" },
    { S (POSTCOPY), D (POSTCOPY_PAUSED), 0, 0, SETTLE_POSTCOPY_PAUSE,
      "the destination has noticed a broken link, the source has not" },
    { S (POSTCOPY_PAUSED), D (POSTCOPY), 0, 0, SETTLE_POSTCOPY_PAUSE,
      "the source has noticed a broken link, the destination has not" },
    { S (POSTCOPY_PAUSED), D (POSTCOPY_PAUSED) | D (UNSEEN), 0, 0, SETTLE_POSTCOPY_RECOVER,
      "the link broke in postcopy; both halves are intact" },
    { S (POSTCOPY_PAUSED), D (SILENT), 0, 0, SETTLE_POSTCOPY_RECOVER,
      "the link broke in postcopy; the destination may be stuck waiting for a page" },
    { S (POSTCOPY), D (POSTCOPY) | D (WHOLE) | D (RUNS) | D (UNSEEN) | D (WAITING), 0, 0,
      SETTLE_CARRY_ON, "the rest of the memory is on its way" },
    { S (POSTCOPY), D (SILENT), 0, F (LATE), SETTLE_CARRY_ON,
      "the destination may be waiting for a page" },

    /* The source's QEMU is gone. */
    { S (DEAD), D (RUNS) | D (WHOLE), 0, 0, SETTLE_DESTINATION_KEEPS,
      "the source's QEMU is gone; the destination has the whole guest" },
    { S (DEAD), D (SILENT), 0, 0, SETTLE_UNDECIDED,
      "the source's QEMU is gone, and the destination does not answer" },
    { S (DEAD), D (UNSEEN), F (TOLD), 0, SETTLE_HANDED_OVER,
      "the source's QEMU is gone after the handover; the destination was not observed" },
    { S (DEAD), ANY_DESTINATION, 0, 0, SETTLE_GUEST_ENDED,
      "the source's QEMU is gone, and the destination had not got everything" },

    /* The source does not answer. */
    { S (SILENT), ANY_DESTINATION, F (YANK) | F (BEFORE), F (TOLD) | F (OWNED) | F (LATE), SETTLE_YANK,
      "the source is stuck, and the handover has not begun" },
    { S (SILENT), D (RUNS), 0, 0, SETTLE_DESTINATION_KEEPS,
      "the guest runs at the destination; the source does not answer" },
    { S (SILENT), GONE, F (YANK), F (LATE) | F (OWNED), SETTLE_YANK,
      "the destination is gone, and the source is stuck at it" },
    { ANY_SOURCE, ANY_DESTINATION, 0, F (LATE) | F (OWNED), SETTLE_WAIT,
      "not clear yet" },
    { ANY_SOURCE, ANY_DESTINATION, 0, 0, SETTLE_UNDECIDED,
      "what one of the ends says, or does not say, leaves open who has the guest" },
};
/* clang-format on */

const guint settle_table_rows = G_N_ELEMENTS (settle_table);

const SettleRow *
settle_decide (const SettleView *view)
{
    for (guint i = 0; i < settle_table_rows; i++) {
        const SettleRow *row = &settle_table[i];

        if ((row->sources & (1u << view->source)) &&
            (row->destinations & (1u << view->destination)) &&
            (view->facts & row->needs) == row->needs && !(view->facts & row->lacks))
            return row;
    }
    g_assert_not_reached (); /* the last row fits everything */
}

const char *
settle_action_name (SettleAction action)
{
    static const char *const names[] = {
        [SETTLE_WAIT] = "wait",
        [SETTLE_CARRY_ON] = "carry on",
        [SETTLE_CANCEL] = "cancel on the source",
        [SETTLE_YANK] = "yank the source's connection",
        [SETTLE_QUIT_DESTINATION] = "quit the destination's stale copy",
        [SETTLE_SOURCE_KEEPS] = "the source keeps the guest",
        [SETTLE_DESTINATION_KEEPS] = "the destination keeps the guest",
        [SETTLE_HANDED_OVER] = "handed over, destination not observed",
        [SETTLE_POSTCOPY_PAUSE] = "pause postcopy on the side that has not noticed",
        [SETTLE_POSTCOPY_RECOVER] = "recover the paused postcopy",
        [SETTLE_GUEST_ENDED] = "the guest has ended",
        [SETTLE_UNDECIDED] = "nobody may run it: decision needed",
    };

    return names[action];
}
