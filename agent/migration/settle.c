/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/settle.h"

/* clang-format off */
#define S(state) (1u << SOURCE_##state)
#define D(state) (1u << DESTINATION_##state)
#define F(fact) FACT_##fact
#define ANY_SOURCE 0xfffu
#define ANY_DESTINATION 0x1ffu

#define OVER (S (FAILED) | S (RUNS))                /* the source has the guest, QEMU says so */
#define GONE (D (DEAD) | D (FAILED))                /* will never run it, if it has not yet */
#define SPLIT (D (POSTCOPY) | D (POSTCOPY_PAUSED))
#define HIDDEN (D (SILENT) | D (UNSEEN))
#define UNFIT (D (WAITING) | D (WHOLE) | HIDDEN | GONE) /* does not run it now */

const SettleRow settle_table[] = {
    /* Nothing was sent. */
    { S (IDLE), ANY_DESTINATION, F (TOLD), 0, SETTLE_UNDECIDED,
      "the source knows nothing of a migration that had come to its handover" },
    { S (IDLE), ANY_DESTINATION, F (OWNED), 0, SETTLE_UNDECIDED,
      "the source knows nothing of a migration that had switched to postcopy" },
    { S (IDLE), D (RUNS) | SPLIT, 0, 0, SETTLE_UNDECIDED,
      "the source never sent anything, yet a guest is at the destination" },
    { S (IDLE), ANY_DESTINATION, 0, 0, SETTLE_SOURCE_KEEPS,
      "the migration was never started" },

    /* The source gave up, was told to, or was continued by somebody: QEMU itself does so when the
     * link breaks after postcopy's last page (10.0). What ran over there, or may have, is never
     * quit. */
    { S (RUNS), D (RUNS) | D (WHOLE) | SPLIT, F (OWNED) | F (TOLD), 0, SETTLE_STOP_SOURCE,
      "the source runs a guest that has switched to the destination" },
    { S (RUNS), D (RUNS) | D (WHOLE) | SPLIT, F (OWNED) | F (RAN_THERE), 0, SETTLE_STOP_SOURCE,
      "the source runs a guest that ran at the destination" },
    { S (FAILED), D (POSTCOPY), F (OWNED) | F (TOLD), F (LATE), SETTLE_WAIT,
      "the source has failed; the destination may have got everything before that" },
    { S (RUNS), D (RUNS), 0, 0, SETTLE_UNDECIDED,
      "both ends run a copy of the guest: stop one of them at once" },
    { S (FAILED), D (RUNS), 0, F (LATE), SETTLE_WAIT,
      "the guest runs at the destination; the source may be about to run it too" },
    { S (FAILED), D (RUNS), 0, 0, SETTLE_DESTINATION_KEEPS,
      "the guest runs at the destination; the source does not" },
    { OVER, D (WHOLE) | SPLIT, F (RAN_THERE), 0, SETTLE_UNDECIDED,
      "the guest ran at the destination, and the source has one too" },
    { OVER, D (WHOLE) | SPLIT, F (OWNED) | F (TOLD), 0, SETTLE_UNDECIDED,
      "the guest may have run at the destination, and the source has one too" },
    { OVER, D (WHOLE), 0, 0, SETTLE_QUIT_DESTINATION,
      "the source has the guest; the destination's whole but stopped copy is stale" },
    { OVER, SPLIT, F (CLEARED), F (TOLD), SETTLE_QUIT_DESTINATION,
      "the source has the guest; the destination's half never ran" },
    { OVER, SPLIT, 0, 0, SETTLE_UNDECIDED,
      "the guest was on both halves when the source's migration ended" },
    { S (FAILED), GONE, F (RAN_THERE), 0, SETTLE_GUEST_ENDED,
      "the guest ran at the destination, and its QEMU is gone" },
    { S (FAILED), GONE, F (OWNED) | F (TOLD), 0, SETTLE_GUEST_ENDED,
      "the guest had switched to the destination, and its QEMU is gone" },
    { S (FAILED), GONE | HIDDEN, F (OWNED), F (CLEARED) | F (CONFIRMED), SETTLE_UNDECIDED,
      "the source failed in the switch to postcopy, and the destination may have run the guest" },
    { S (FAILED), HIDDEN, F (TOLD), 0, SETTLE_UNDECIDED,
      "the destination was told to run the guest and does not answer" },
    { S (RUNS), HIDDEN, F (OWNED) | F (TOLD), 0, SETTLE_UNDECIDED,
      "the source runs, and the destination was told to run the guest and does not answer" },
    { OVER, ANY_DESTINATION, 0, 0, SETTLE_SOURCE_KEEPS,
      "its migration is over" },

    /* Everything was sent. */
    { S (COMPLETED), D (RUNS), 0, 0, SETTLE_DESTINATION_KEEPS,
      "the guest runs at the destination" },
    { S (COMPLETED), D (WHOLE), F (ABANDONED), F (RAN_THERE) | F (OWNED), SETTLE_QUIT_DESTINATION,
      "it was settled for the source before; the destination's copy is stale" },
    { S (COMPLETED), D (WHOLE), F (REFUSED), F (RAN_THERE) | F (OWNED), SETTLE_QUIT_DESTINATION,
      "the destination has the whole guest and refuses to run it; the source has it too" },
    { S (COMPLETED) | S (DEAD) | S (POSTCOPY_PAUSED), D (WHOLE), F (REFUSED), 0, SETTLE_UNDECIDED,
      "the destination has the whole guest and refuses to run it" },
    { S (COMPLETED), D (WHOLE), 0, 0, SETTLE_DESTINATION_KEEPS,
      "the destination has the whole guest" },
    { S (COMPLETED), D (UNSEEN), 0, 0, SETTLE_HANDED_OVER,
      "the source has sent everything; the destination was not observed" },
    { S (COMPLETED), GONE, F (RAN_THERE), 0, SETTLE_GUEST_ENDED,
      "the guest ran at the destination, and its QEMU is gone" },
    { S (COMPLETED), GONE, F (OWNED) | F (TOLD), 0, SETTLE_GUEST_ENDED,
      "the guest had switched to the destination, and its QEMU is gone" },
    { S (COMPLETED), GONE, F (OWNED), F (CLEARED), SETTLE_GUEST_ENDED,
      "the guest had switched to the destination by itself, and its QEMU is gone" },
    { S (COMPLETED), D (FAILED), 0, 0, SETTLE_QUIT_DESTINATION,
      "the destination could not load what it was sent" },
    { S (COMPLETED), D (DEAD), F (ABANDONED), 0, SETTLE_SOURCE_KEEPS,
      "it was settled for the source before, and the destination's QEMU is gone" },
    { S (COMPLETED), D (DEAD), F (CONFIRMED), 0, SETTLE_SOURCE_KEEPS,
      "the destination is dead, by the operator's word" },
    { S (COMPLETED), D (DEAD), F (TOLD), 0, SETTLE_UNDECIDED,
      "the destination's QEMU is gone; it may have run the guest before" },
    { S (COMPLETED), D (DEAD), 0, F (CLEARED), SETTLE_UNDECIDED,
      "the destination's QEMU is gone; it may have started the guest by itself before" },
    { S (COMPLETED), D (DEAD), 0, 0, SETTLE_SOURCE_KEEPS,
      "the destination's QEMU is gone and never ran the guest" },

    /* On its way, before the handover. A switch to postcopy that was asked for may come at any
     * moment, and then a cancel would destroy the guest; a yank only breaks the link. */
    { S (MOVING) | S (WAITS), D (RUNS), 0, 0, SETTLE_UNDECIDED,
      "the destination runs while the source still holds the guest" },
    { S (MOVING) | S (WAITS), D (WAITING) | D (UNSEEN), F (FORWARD), 0, SETTLE_CARRY_ON,
      "the migration is alive" },
    { S (MOVING), D (POSTCOPY), F (FORWARD), 0, SETTLE_CARRY_ON,
      "the switch to postcopy is under way" },
    { S (MOVING), ANY_DESTINATION, F (OWNED), F (LATE), SETTLE_WAIT,
      "the switch to postcopy was asked for: it comes, or it fails" },
    { S (MOVING), D (WHOLE), 0, F (LATE), SETTLE_WAIT,
      "the destination is whole; the source is about to say so" },
    { S (MOVING) | S (ENDING), GONE, F (YANK) | F (LATE), 0, SETTLE_YANK,
      "the destination is gone, and the source does not come to an end" },
    { S (MOVING) | S (ENDING), UNFIT, F (YANK) | F (LATE) | F (BEFORE), 0, SETTLE_YANK,
      "the source does not come to an end, and the handover has not begun" },
    { S (MOVING) | S (ENDING), UNFIT, F (YANK) | F (LATE) | F (CLEARED), F (TOLD), SETTLE_YANK,
      "the source does not come to an end; the destination cannot start by itself" },
    { S (MOVING), UNFIT, 0, F (OWNED), SETTLE_CANCEL,
      "the guest is still the source's" },
    { S (WAITS), ANY_DESTINATION, F (OWNED), F (BEFORE) | F (LATE), SETTLE_WAIT,
      "the switch to postcopy may have begun" },
    { S (WAITS), UNFIT, 0, 0, SETTLE_CANCEL,
      "the guest is still the source's, and waits for the handover" },
    { S (ENDING), ANY_DESTINATION, 0, 0, SETTLE_WAIT,
      "the source is giving up" },

    /* The rest is under way: a destination may get whole at any moment. One that cannot start by
     * itself may be left behind: nobody was told to run the guest before the source had completed. */
    { S (DEVICE), ANY_DESTINATION & ~D (SILENT), 0, F (LATE), SETTLE_WAIT,
      "the source is sending the rest" },
    { S (DEVICE), D (SILENT), F (OWNED), F (LATE), SETTLE_WAIT,
      "the source is sending the rest; the destination does not answer" },
    { S (DEVICE), GONE, F (YANK), 0, SETTLE_YANK,
      "the destination is gone, and the source does not notice" },
    { S (DEVICE), D (WAITING) | D (WHOLE) | D (SILENT), F (CLEARED) | F (YANK), F (OWNED), SETTLE_YANK,
      "the handover hangs; the destination cannot start by itself: the source takes the guest back" },
    { S (DEVICE), D (WAITING) | D (SILENT), F (CLEARED) | F (YANK), F (TOLD), SETTLE_YANK,
      "the switch to postcopy hangs; the destination cannot start by itself" },

    /* The source does not answer: it may be stuck at the destination. Where it may have switched to
     * postcopy, a yank could come in the middle of what the destination cannot do without. */
    { S (SILENT), D (RUNS), F (TOLD), 0, SETTLE_DESTINATION_KEEPS,
      "the guest runs at the destination, as it was told to; the source does not answer" },
    { S (SILENT), D (RUNS), F (OWNED), 0, SETTLE_DESTINATION_KEEPS,
      "the guest runs at the destination after postcopy; the source does not answer" },
    { S (SILENT), GONE, F (RAN_THERE), 0, SETTLE_GUEST_ENDED,
      "the guest ran at the destination, and its QEMU is gone" },
    { S (SILENT), GONE, F (OWNED) | F (TOLD), 0, SETTLE_GUEST_ENDED,
      "the guest had switched to the destination, and its QEMU is gone" },
    { S (SILENT), GONE, F (YANK), F (LATE) | F (OWNED), SETTLE_YANK,
      "the destination is gone, and the source is stuck at it" },
    { S (SILENT), D (WAITING) | HIDDEN, F (YANK) | F (BEFORE), F (LATE) | F (OWNED), SETTLE_YANK,
      "the source is stuck, and the handover has not begun" },
    { S (SILENT), D (WAITING) | D (SILENT), F (YANK) | F (CLEARED), F (LATE) | F (OWNED) | F (TOLD),
      SETTLE_YANK, "the source is stuck; the destination cannot start by itself" },
    { S (SILENT), SPLIT, F (LATE), 0, SETTLE_POSTCOPY_STUCK,
      "the destination needs the rest of the guest's memory, and the source does not answer" },

    /* Postcopy. The link is left alone: a destination that hangs may not have taken in yet what it
     * cannot do without. */
    { S (POSTCOPY) | S (POSTCOPY_PAUSED), GONE, 0, 0, SETTLE_GUEST_ENDED,
      "the guest had switched to the destination, and its QEMU is gone" },
    { S (POSTCOPY), D (POSTCOPY_PAUSED), 0, 0, SETTLE_POSTCOPY_PAUSE,
      "the destination has noticed a broken link, the source has not" },
    { S (POSTCOPY_PAUSED), D (POSTCOPY), 0, 0, SETTLE_POSTCOPY_PAUSE,
      "the source has noticed a broken link, the destination has not" },
    { S (POSTCOPY_PAUSED), D (RUNS) | D (WHOLE), 0, 0, SETTLE_DESTINATION_KEEPS,
      "the destination has got all of the guest; the link broke after that" },
    { S (POSTCOPY_PAUSED), D (POSTCOPY_PAUSED) | D (UNSEEN), 0, 0, SETTLE_POSTCOPY_RECOVER,
      "the link broke in postcopy; both halves are intact" },
    { S (POSTCOPY_PAUSED), D (SILENT), 0, 0, SETTLE_POSTCOPY_RECOVER,
      "the link broke in postcopy; the destination may be stuck waiting for a page" },
    { S (POSTCOPY), ANY_DESTINATION & ~D (SILENT), 0, 0, SETTLE_CARRY_ON,
      "the rest of the memory is on its way" },
    { S (POSTCOPY), D (SILENT), 0, F (LATE), SETTLE_WAIT,
      "the destination may be waiting for a page" },
    { S (POSTCOPY), D (SILENT), 0, 0, SETTLE_POSTCOPY_STUCK,
      "the destination, which has the guest, does not answer" },

    /* The source's QEMU is gone. */
    { S (DEAD), D (RUNS), 0, 0, SETTLE_DESTINATION_KEEPS,
      "the source's QEMU is gone; the guest runs at the destination" },
    { S (DEAD), D (WHOLE), F (ABANDONED), F (RAN_THERE), SETTLE_GUEST_ENDED,
      "the source had kept the guest, and its QEMU is gone; the destination's copy is stale" },
    { S (DEAD), D (WHOLE), 0, 0, SETTLE_DESTINATION_KEEPS,
      "the source's QEMU is gone; the destination has the whole guest" },
    { S (DEAD), HIDDEN, F (BEFORE), 0, SETTLE_GUEST_ENDED,
      "the source's QEMU is gone, and had not begun the handover" },
    { S (DEAD), D (WAITING) | D (POSTCOPY) | D (SILENT), 0, F (LATE), SETTLE_WAIT,
      "the source's QEMU is gone; the destination may get whole by what was sent" },
    { S (DEAD), D (SILENT), 0, 0, SETTLE_UNDECIDED,
      "the source's QEMU is gone, and the destination does not answer" },
    { S (DEAD), D (UNSEEN), 0, 0, SETTLE_UNDECIDED,
      "the source's QEMU is gone; the destination, which we do not see, may have got everything" },
    { S (DEAD), ANY_DESTINATION, 0, 0, SETTLE_GUEST_ENDED,
      "the source's QEMU is gone, and the destination had not got everything" },

    { ANY_SOURCE, ANY_DESTINATION, 0, F (LATE), SETTLE_WAIT,
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

gboolean
settle_is_final (SettleAction action)
{
    switch (action) {
    case SETTLE_WAIT:
    case SETTLE_CANCEL:
    case SETTLE_YANK:
    case SETTLE_STOP_SOURCE:
    case SETTLE_QUIT_DESTINATION:
    case SETTLE_POSTCOPY_PAUSE:
        return FALSE;
    case SETTLE_CARRY_ON:
    case SETTLE_SOURCE_KEEPS:
    case SETTLE_DESTINATION_KEEPS:
    case SETTLE_HANDED_OVER:
    case SETTLE_POSTCOPY_RECOVER:
    case SETTLE_POSTCOPY_STUCK:
    case SETTLE_GUEST_ENDED:
    case SETTLE_UNDECIDED:
        return TRUE;
    }
    return TRUE;
}

const char *
settle_action_name (SettleAction action)
{
    static const char *const names[] = {
        [SETTLE_WAIT] = "wait",
        [SETTLE_CARRY_ON] = "carry on",
        [SETTLE_CANCEL] = "cancel on the source",
        [SETTLE_YANK] = "yank the source's connection",
        [SETTLE_STOP_SOURCE] = "stop the source's copy",
        [SETTLE_QUIT_DESTINATION] = "quit the destination's stale copy",
        [SETTLE_SOURCE_KEEPS] = "the source keeps the guest",
        [SETTLE_DESTINATION_KEEPS] = "the destination keeps the guest",
        [SETTLE_HANDED_OVER] = "handed over, destination not observed",
        [SETTLE_POSTCOPY_PAUSE] = "pause postcopy on the side that has not noticed",
        [SETTLE_POSTCOPY_RECOVER] = "recover the paused postcopy",
        [SETTLE_POSTCOPY_STUCK] = "leave the paused postcopy to a later recover",
        [SETTLE_GUEST_ENDED] = "the guest has ended",
        [SETTLE_UNDECIDED] = "nobody may run it: decision needed",
    };

    return names[action];
}
