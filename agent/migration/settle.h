/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may run the guest, from what both ends report: one table, tested row by row. Pure. The rule
 * behind every row: never both, and rather nobody than a guess. */
#pragma once

#include <glib.h>

#include "agent/migration/status.h"

typedef enum {
    SOURCE_IDLE,     /* no migration of ours was started */
    SOURCE_MOVING,   /* setup, active, and what we do not know */
    SOURCE_WAITS,    /* pre-switchover: stopped, waits for us */
    SOURCE_DEVICE,   /* sends the rest; a destination may get whole any moment */
    SOURCE_POSTCOPY, /* the destination has the guest, we still have pages */
    SOURCE_POSTCOPY_PAUSED,
    SOURCE_ENDING,    /* cancelling, failing */
    SOURCE_FAILED,    /* it is over, the guest is here and stands still */
    SOURCE_RUNS,      /* it is over, the guest is here and runs */
    SOURCE_COMPLETED, /* all was sent, and the guest stands still because of that */
    SOURCE_SILENT,    /* does not answer */
    SOURCE_DEAD,      /* proven, or the operator's word */
} SourceState;

typedef enum {
    DESTINATION_UNSEEN,  /* not reachable by us, by choice */
    DESTINATION_WAITING, /* has not got everything */
    DESTINATION_FAILED,  /* alive, but its migration failed: can never run */
    DESTINATION_POSTCOPY,
    DESTINATION_POSTCOPY_PAUSED,
    DESTINATION_WHOLE, /* completed and not running */
    DESTINATION_RUNS,  /* completed, and its vCPUs run */
    DESTINATION_SILENT,
    DESTINATION_DEAD, /* proven, or the operator's word */
} DestinationState;

typedef enum {
    FACT_FORWARD = 1 << 0,   /* nothing is known to be wrong: going on is allowed */
    FACT_TOLD = 1 << 1,      /* the destination may have been told `cont` */
    FACT_RAN_THERE = 1 << 2, /* it was seen running there */
    FACT_CLEARED = 1 << 3,   /* the destination cannot start by itself: it was told `stop` */
    FACT_YANK = 1 << 4,      /* the source has yank, out-of-band */
    FACT_OWNED = 1 << 5,     /* we asked for the switch to postcopy */
    FACT_LATE = 1 << 6,      /* waiting has not helped */
    FACT_BEFORE = 1 << 7,    /* the source cannot have begun the handover: it waits for our word */
    FACT_ABANDONED = 1 << 8, /* it was settled for the source before: the destination is stale */
    FACT_REFUSED = 1 << 9,   /* the destination refused `cont`, in its own words */
    FACT_CONFIRMED =
        1 << 10, /* the operator says: the destination is dead, and the source may run */
} SettleFact;

typedef enum {
    SETTLE_WAIT,              /* look again shortly */
    SETTLE_CARRY_ON,          /* the migration is alive: go on with it */
    SETTLE_CANCEL,            /* migrate_cancel, look again */
    SETTLE_YANK,              /* out-of-band yank on the source, look again */
    SETTLE_STOP_SOURCE,       /* it must not run what the destination has: `stop`, look again */
    SETTLE_QUIT_DESTINATION,  /* its copy is stale: quit it, look again */
    SETTLE_SOURCE_KEEPS,      /* the guest is the source's; `cont` if it ran and does not */
    SETTLE_DESTINATION_KEEPS, /* the guest is the destination's; `cont` if it ran and does not */
    SETTLE_HANDED_OVER,       /* gone, and we did not see where to */
    SETTLE_POSTCOPY_PAUSE,    /* one side has not noticed the broken link: pause it */
    SETTLE_POSTCOPY_RECOVER,  /* paused: can be recovered */
    SETTLE_POSTCOPY_STUCK,    /* half on each, and one of them cannot be asked */
    SETTLE_GUEST_ENDED,
    SETTLE_UNDECIDED, /* nobody may run it until the operator has looked */
} SettleAction;

typedef struct {
    SourceState source;
    DestinationState destination;
    guint facts; /* SettleFact bits */
} SettleView;

typedef struct {
    guint sources;      /* bit per SourceState */
    guint destinations; /* bit per DestinationState */
    guint needs;        /* facts that must be there */
    guint lacks;        /* facts that must not */
    SettleAction action;
    const char *why;
} SettleRow;

extern const SettleRow settle_table[];
extern const guint settle_table_rows;

/* The first row that fits; there always is one. */
const SettleRow *settle_decide (const SettleView *view);
/* Nothing is left to look at again: what it says is how it ends. */
gboolean settle_is_final (SettleAction action);
const char *settle_action_name (SettleAction action);
