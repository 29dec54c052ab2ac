/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table that says who may run the guest: every row by an example, and what must hold for every
 * combination of what both ends can say and what we can know. */
#include "agent/migration/settle.h"
#include "tests/unit/check.h"

#define SOURCES      (SOURCE_DEAD + 1u)
#define DESTINATIONS (DESTINATION_DEAD + 1u)
#define ALL_FACTS    (FACT_CONFIRMED << 1)
#define MAX_ROWS     256

/* -- The rows, in their order -- */

typedef struct {
    SourceState source;
    DestinationState destination;
    guint facts;
    SettleAction action;
} Example;

#define EXAMPLE(s, d, facts, action)                                                               \
    {                                                                                              \
        SOURCE_##s, DESTINATION_##d, facts, SETTLE_##action                                        \
    }

/* clang-format off */
static const Example examples[] = {
    /* nothing was sent */
    EXAMPLE (IDLE, WAITING, FACT_CLEARED | FACT_TOLD, UNDECIDED),
    EXAMPLE (IDLE, SILENT, FACT_CLEARED | FACT_OWNED, UNDECIDED),
    EXAMPLE (IDLE, RUNS, FACT_BEFORE, UNDECIDED),
    EXAMPLE (IDLE, WAITING, FACT_BEFORE | FACT_CLEARED, SOURCE_KEEPS),

    /* the source has it back */
    EXAMPLE (RUNS, POSTCOPY, FACT_OWNED | FACT_TOLD, STOP_SOURCE),
    EXAMPLE (RUNS, WHOLE, FACT_OWNED | FACT_RAN_THERE, STOP_SOURCE),
    EXAMPLE (FAILED, POSTCOPY, FACT_OWNED | FACT_TOLD, WAIT),
    EXAMPLE (RUNS, RUNS, 0, UNDECIDED),
    EXAMPLE (FAILED, RUNS, 0, WAIT),
    EXAMPLE (FAILED, RUNS, FACT_LATE, DESTINATION_KEEPS),
    EXAMPLE (FAILED, WHOLE, FACT_OWNED | FACT_TOLD | FACT_RAN_THERE, UNDECIDED),
    EXAMPLE (FAILED, POSTCOPY_PAUSED, FACT_OWNED | FACT_TOLD, UNDECIDED),
    EXAMPLE (RUNS, WHOLE, FACT_CLEARED, QUIT_DESTINATION),
    EXAMPLE (RUNS, POSTCOPY, FACT_CLEARED | FACT_OWNED, QUIT_DESTINATION),
    EXAMPLE (RUNS, POSTCOPY_PAUSED, FACT_OWNED, UNDECIDED),
    EXAMPLE (FAILED, DEAD, FACT_OWNED | FACT_TOLD | FACT_RAN_THERE, GUEST_ENDED),
    EXAMPLE (FAILED, DEAD, FACT_OWNED | FACT_TOLD, GUEST_ENDED),
    EXAMPLE (FAILED, UNSEEN, FACT_OWNED, UNDECIDED),
    EXAMPLE (FAILED, SILENT, FACT_CLEARED | FACT_TOLD, UNDECIDED),
    EXAMPLE (RUNS, SILENT, FACT_OWNED | FACT_TOLD, UNDECIDED),
    EXAMPLE (RUNS, SILENT, FACT_CLEARED, SOURCE_KEEPS),

    /* everything was sent */
    EXAMPLE (COMPLETED, RUNS, FACT_CLEARED | FACT_TOLD, DESTINATION_KEEPS),
    EXAMPLE (COMPLETED, WHOLE, FACT_ABANDONED, QUIT_DESTINATION),
    EXAMPLE (COMPLETED, WHOLE, FACT_TOLD | FACT_REFUSED, QUIT_DESTINATION),
    EXAMPLE (COMPLETED, WHOLE, FACT_OWNED | FACT_REFUSED, UNDECIDED),
    EXAMPLE (COMPLETED, WHOLE, FACT_CLEARED, DESTINATION_KEEPS),
    EXAMPLE (COMPLETED, UNSEEN, 0, HANDED_OVER),
    EXAMPLE (COMPLETED, DEAD, FACT_TOLD | FACT_RAN_THERE, GUEST_ENDED),
    EXAMPLE (COMPLETED, DEAD, FACT_OWNED | FACT_TOLD, GUEST_ENDED),
    EXAMPLE (COMPLETED, DEAD, FACT_OWNED, GUEST_ENDED),
    EXAMPLE (COMPLETED, FAILED, FACT_CLEARED, QUIT_DESTINATION),
    EXAMPLE (COMPLETED, DEAD, FACT_TOLD | FACT_ABANDONED, SOURCE_KEEPS),
    EXAMPLE (COMPLETED, DEAD, FACT_TOLD | FACT_CONFIRMED, SOURCE_KEEPS),
    EXAMPLE (COMPLETED, DEAD, FACT_CLEARED | FACT_TOLD, UNDECIDED),
    EXAMPLE (COMPLETED, DEAD, 0, UNDECIDED),
    EXAMPLE (COMPLETED, DEAD, FACT_CLEARED, SOURCE_KEEPS),

    /* before the handover */
    EXAMPLE (MOVING, RUNS, 0, UNDECIDED),
    EXAMPLE (MOVING, WAITING, FACT_FORWARD, CARRY_ON),
    EXAMPLE (MOVING, POSTCOPY, FACT_FORWARD | FACT_OWNED, CARRY_ON),
    EXAMPLE (MOVING, SILENT, FACT_OWNED, WAIT),
    EXAMPLE (MOVING, WHOLE, 0, WAIT),
    EXAMPLE (MOVING, DEAD, FACT_YANK | FACT_LATE, YANK),
    EXAMPLE (ENDING, UNSEEN, FACT_YANK | FACT_LATE | FACT_BEFORE, YANK),
    EXAMPLE (MOVING, SILENT, FACT_YANK | FACT_LATE | FACT_CLEARED | FACT_OWNED, YANK),
    EXAMPLE (MOVING, DEAD, 0, CANCEL),
    EXAMPLE (WAITS, SILENT, FACT_OWNED, WAIT),
    EXAMPLE (WAITS, SILENT, FACT_BEFORE, CANCEL),
    EXAMPLE (ENDING, WAITING, 0, WAIT),

    /* the rest is under way */
    EXAMPLE (DEVICE, WAITING, FACT_CLEARED | FACT_YANK, WAIT),
    EXAMPLE (DEVICE, SILENT, FACT_CLEARED | FACT_YANK | FACT_OWNED, WAIT),
    EXAMPLE (DEVICE, DEAD, FACT_YANK | FACT_LATE, YANK),
    EXAMPLE (DEVICE, SILENT, FACT_CLEARED | FACT_YANK, YANK),
    EXAMPLE (DEVICE, SILENT, FACT_CLEARED | FACT_YANK | FACT_OWNED | FACT_LATE, YANK),

    /* the source does not answer */
    EXAMPLE (SILENT, RUNS, FACT_TOLD, DESTINATION_KEEPS),
    EXAMPLE (SILENT, RUNS, FACT_OWNED, DESTINATION_KEEPS),
    EXAMPLE (SILENT, DEAD, FACT_TOLD | FACT_RAN_THERE, GUEST_ENDED),
    EXAMPLE (SILENT, DEAD, FACT_OWNED | FACT_TOLD, GUEST_ENDED),
    EXAMPLE (SILENT, DEAD, FACT_YANK, YANK),
    EXAMPLE (SILENT, UNSEEN, FACT_YANK | FACT_BEFORE, YANK),
    EXAMPLE (SILENT, SILENT, FACT_YANK | FACT_CLEARED, YANK),
    EXAMPLE (SILENT, POSTCOPY, FACT_OWNED | FACT_LATE, POSTCOPY_STUCK),

    /* postcopy */
    EXAMPLE (POSTCOPY, DEAD, FACT_OWNED, GUEST_ENDED),
    EXAMPLE (POSTCOPY, POSTCOPY_PAUSED, FACT_OWNED, POSTCOPY_PAUSE),
    EXAMPLE (POSTCOPY_PAUSED, POSTCOPY, FACT_OWNED, POSTCOPY_PAUSE),
    EXAMPLE (POSTCOPY_PAUSED, WHOLE, FACT_OWNED, DESTINATION_KEEPS),
    EXAMPLE (POSTCOPY_PAUSED, UNSEEN, FACT_OWNED, POSTCOPY_RECOVER),
    EXAMPLE (POSTCOPY_PAUSED, SILENT, FACT_OWNED, POSTCOPY_RECOVER),
    EXAMPLE (POSTCOPY, POSTCOPY, FACT_OWNED, CARRY_ON),
    EXAMPLE (POSTCOPY, SILENT, FACT_OWNED, WAIT),
    EXAMPLE (POSTCOPY, SILENT, FACT_OWNED | FACT_LATE, POSTCOPY_STUCK),

    /* the source is gone */
    EXAMPLE (DEAD, RUNS, 0, DESTINATION_KEEPS),
    EXAMPLE (DEAD, WHOLE, FACT_ABANDONED, GUEST_ENDED),
    EXAMPLE (DEAD, WHOLE, FACT_CLEARED, DESTINATION_KEEPS),
    EXAMPLE (DEAD, UNSEEN, FACT_BEFORE, GUEST_ENDED),
    EXAMPLE (DEAD, WAITING, FACT_CLEARED, WAIT),
    EXAMPLE (DEAD, SILENT, FACT_LATE, UNDECIDED),
    EXAMPLE (DEAD, UNSEEN, 0, UNDECIDED),
    EXAMPLE (DEAD, FAILED, FACT_CLEARED, GUEST_ENDED),

    /* all else */
    EXAMPLE (COMPLETED, SILENT, FACT_CLEARED, WAIT),
    EXAMPLE (COMPLETED, SILENT, FACT_CLEARED | FACT_LATE, UNDECIDED),
};
/* clang-format on */

static void
test_rows (void)
{
    g_assert_cmpuint (settle_table_rows, ==, G_N_ELEMENTS (examples));
    for (guint i = 0; i < G_N_ELEMENTS (examples); i++) {
        SettleView view = { examples[i].source, examples[i].destination, examples[i].facts };
        const SettleRow *row = settle_decide (&view);

        g_assert_cmpuint ((guint)(row - settle_table), ==, i);
        g_assert_cmpint (row->action, ==, examples[i].action);
    }
}

/* -- What must always hold -- */

static gboolean
has (const SettleView *v, guint facts)
{
    return (v->facts & facts) == facts;
}

static gboolean
is_gone (const SettleView *v)
{
    return v->destination == DESTINATION_DEAD || v->destination == DESTINATION_FAILED;
}

static gboolean
is_split (const SettleView *v)
{
    return v->destination == DESTINATION_POSTCOPY || v->destination == DESTINATION_POSTCOPY_PAUSED;
}

static gboolean
is_hidden (const SettleView *v)
{
    return v->destination == DESTINATION_SILENT || v->destination == DESTINATION_UNSEEN;
}

/* Nobody told it, and it does not start by itself. A source that still sends the rest of a pre-copy
 * proves that nobody did, whatever the journal had announced. */
static gboolean
cannot_start (const SettleView *v)
{
    if (!has (v, FACT_CLEARED))
        return FALSE;
    return !has (v, FACT_TOLD) || (v->source == SOURCE_DEVICE && !has (v, FACT_OWNED));
}

/* It switched to the destination and was told to run there, or was seen doing so. */
static gboolean
lived_there (const SettleView *v)
{
    return has (v, FACT_RAN_THERE) || has (v, FACT_OWNED | FACT_TOLD);
}

static gboolean
source_may_keep (const SettleView *v)
{
    switch (v->source) {
    case SOURCE_IDLE:
        return v->destination != DESTINATION_RUNS && !is_split (v) && !has (v, FACT_TOLD) &&
               !has (v, FACT_OWNED);
    case SOURCE_RUNS:
        return v->destination != DESTINATION_RUNS && v->destination != DESTINATION_WHOLE &&
               !is_split (v) && !(is_hidden (v) && has (v, FACT_OWNED | FACT_TOLD));
    case SOURCE_FAILED:
        if (v->destination == DESTINATION_WAITING)
            return TRUE;
        if (is_hidden (v))
            return !has (v, FACT_TOLD) &&
                   (!has (v, FACT_OWNED) || has (v, FACT_CLEARED) || has (v, FACT_CONFIRMED));
        return is_gone (v) && !lived_there (v) &&
               (!has (v, FACT_OWNED) || has (v, FACT_CLEARED) || has (v, FACT_CONFIRMED));
    case SOURCE_COMPLETED:
        return v->destination == DESTINATION_DEAD && !lived_there (v) &&
               !(has (v, FACT_OWNED) && !has (v, FACT_CLEARED)) &&
               (has (v, FACT_ABANDONED) || has (v, FACT_CONFIRMED) || cannot_start (v));
    case SOURCE_MOVING:
    case SOURCE_WAITS:
    case SOURCE_DEVICE:
    case SOURCE_POSTCOPY:
    case SOURCE_POSTCOPY_PAUSED:
    case SOURCE_ENDING:
    case SOURCE_SILENT:
    case SOURCE_DEAD:
        return FALSE;
    }
    return FALSE;
}

static gboolean
destination_may_keep (const SettleView *v)
{
    gboolean stale = has (v, FACT_ABANDONED) && !lived_there (v) && !has (v, FACT_OWNED) &&
                     v->source != SOURCE_POSTCOPY_PAUSED;

    if (v->destination == DESTINATION_WHOLE)
        return !has (v, FACT_REFUSED) && !stale &&
               (v->source == SOURCE_COMPLETED || v->source == SOURCE_DEAD ||
                v->source == SOURCE_POSTCOPY_PAUSED);
    if (v->destination != DESTINATION_RUNS)
        return FALSE;
    if (v->source == SOURCE_FAILED)
        return has (v, FACT_LATE);
    if (v->source == SOURCE_SILENT)
        return has (v, FACT_TOLD) || has (v, FACT_OWNED);
    return v->source == SOURCE_COMPLETED || v->source == SOURCE_DEAD ||
           v->source == SOURCE_POSTCOPY_PAUSED;
}

/* Once in postcopy a cancel destroys the guest, and a switch that was asked for may be near. */
static gboolean
may_cancel (const SettleView *v)
{
    if (v->destination == DESTINATION_RUNS || is_split (v))
        return FALSE;
    return v->source == SOURCE_WAITS || (v->source == SOURCE_MOVING && !has (v, FACT_OWNED));
}

static gboolean
may_yank (const SettleView *v)
{
    if (!has (v, FACT_YANK) || v->destination == DESTINATION_RUNS || is_split (v))
        return FALSE;
    if (v->source != SOURCE_MOVING && v->source != SOURCE_ENDING && v->source != SOURCE_DEVICE &&
        v->source != SOURCE_SILENT)
        return FALSE;
    if (v->source == SOURCE_SILENT && has (v, FACT_OWNED))
        return FALSE;
    return is_gone (v) || has (v, FACT_BEFORE) || cannot_start (v);
}

/* It is destroyed by that: only what is stale, or can never run. */
static gboolean
may_quit_destination (const SettleView *v)
{
    gboolean over = v->source == SOURCE_FAILED || v->source == SOURCE_RUNS;

    if (lived_there (v) || v->destination == DESTINATION_RUNS)
        return FALSE;
    if (v->destination == DESTINATION_WHOLE)
        return over || (v->source == SOURCE_COMPLETED && !has (v, FACT_OWNED) &&
                        (has (v, FACT_ABANDONED) || has (v, FACT_REFUSED)));
    if (is_split (v))
        return over && cannot_start (v);
    return v->destination == DESTINATION_FAILED && v->source == SOURCE_COMPLETED;
}

/* Not while one end has a guest that can go on. */
static gboolean
may_say_ended (const SettleView *v)
{
    if (v->destination == DESTINATION_RUNS || v->source == SOURCE_RUNS)
        return FALSE;
    if (v->source == SOURCE_DEAD)
        return v->destination != DESTINATION_WHOLE || has (v, FACT_ABANDONED);
    return is_gone (v) && v->source != SOURCE_IDLE && v->source != SOURCE_MOVING &&
           v->source != SOURCE_WAITS && v->source != SOURCE_ENDING && v->source != SOURCE_DEVICE &&
           (has (v, FACT_RAN_THERE) || has (v, FACT_OWNED) || v->source == SOURCE_POSTCOPY ||
            v->source == SOURCE_POSTCOPY_PAUSED);
}

static gboolean
is_allowed (const SettleView *v, SettleAction action)
{
    switch (action) {
    case SETTLE_WAIT:
        return !has (v, FACT_LATE) || v->source == SOURCE_ENDING;
    case SETTLE_CARRY_ON:
        if (is_gone (v))
            return FALSE;
        return v->source == SOURCE_POSTCOPY ||
               (has (v, FACT_FORWARD) && (v->source == SOURCE_MOVING || v->source == SOURCE_WAITS));
    case SETTLE_CANCEL:
        return may_cancel (v);
    case SETTLE_YANK:
        return may_yank (v);
    case SETTLE_STOP_SOURCE:
        return v->source == SOURCE_RUNS && has (v, FACT_OWNED) && lived_there (v) && !is_gone (v) &&
               !is_hidden (v);
    case SETTLE_QUIT_DESTINATION:
        return may_quit_destination (v);
    case SETTLE_SOURCE_KEEPS:
        return source_may_keep (v);
    case SETTLE_DESTINATION_KEEPS:
        return destination_may_keep (v);
    case SETTLE_HANDED_OVER:
        return v->source == SOURCE_COMPLETED && v->destination == DESTINATION_UNSEEN;
    case SETTLE_POSTCOPY_PAUSE:
        return (v->source == SOURCE_POSTCOPY || v->source == SOURCE_POSTCOPY_PAUSED) &&
               is_split (v);
    case SETTLE_POSTCOPY_RECOVER:
        return v->source == SOURCE_POSTCOPY_PAUSED && !is_gone (v);
    case SETTLE_POSTCOPY_STUCK:
        return (v->source == SOURCE_SILENT && is_split (v)) ||
               (v->source == SOURCE_POSTCOPY && v->destination == DESTINATION_SILENT);
    case SETTLE_GUEST_ENDED:
        return may_say_ended (v);
    case SETTLE_UNDECIDED:
        return TRUE;
    }
    return FALSE;
}

static const SettleRow *
decide (const SettleRow *table, const SettleView *view)
{
    for (const SettleRow *row = table; row < table + settle_table_rows; row++)
        if ((row->sources & (1u << view->source)) &&
            (row->destinations & (1u << view->destination)) &&
            (view->facts & row->needs) == row->needs && !(view->facts & row->lacks))
            return row;
    return NULL;
}

#define VIEWS (SOURCES * DESTINATIONS * ALL_FACTS)

static SettleView
nth_view (guint n)
{
    return (SettleView){ .source = n % SOURCES,
                         .destination = n / SOURCES % DESTINATIONS,
                         .facts = n / SOURCES / DESTINATIONS };
}

/* The first combination in which TABLE does what must not be, in *ret_view; FALSE when none. Counts
 * in HITS (may be NULL) how often each row decided. */
static gboolean
find_breach (const SettleRow *table, guint *hits, SettleView *ret_view)
{
    for (guint n = 0; n < VIEWS; n++) {
        SettleView view = nth_view (n);
        const SettleRow *row = decide (table, &view);

        if (hits && row)
            hits[row - table]++;
        if (!row || !is_allowed (&view, row->action)) {
            *ret_view = view;
            return TRUE;
        }
    }
    return FALSE;
}

static void
test_invariants (void)
{
    guint hits[MAX_ROWS] = { 0 };
    SettleView view;

    g_assert_cmpuint (settle_table_rows, <=, MAX_ROWS);
    if (find_breach (settle_table, hits, &view))
        g_error ("source %d, destination %d, facts %#x: %s", view.source, view.destination,
                 view.facts, settle_action_name (settle_decide (&view)->action));
    for (guint i = 0; i < settle_table_rows; i++)
        if (hits[i] == 0)
            g_error ("row %u is never reached: %s", i, settle_table[i].why);
}

/* Going on is something that we may do, never something that changes who has the guest. */
static void
test_forward (void)
{
    for (guint n = 0; n < VIEWS; n++) {
        SettleView back = nth_view (n);
        SettleView forward = back;
        SettleAction action;

        back.facts &= ~(guint)FACT_FORWARD;
        forward.facts |= FACT_FORWARD;
        action = settle_decide (&forward)->action;
        g_assert_true (action == SETTLE_CARRY_ON || action == settle_decide (&back)->action);
    }
}

/* After `migrate-continue`, a destination that may start by itself is never left behind. */
static void
test_no_wrong_yank (void)
{
    for (guint n = 0; n < VIEWS; n++) {
        SettleView view = nth_view (n);

        if (!has (&view, FACT_BEFORE) && !has (&view, FACT_CLEARED) && !is_gone (&view))
            g_assert_cmpint (settle_decide (&view)->action, !=, SETTLE_YANK);
    }
}

/* -- Twins: tables that are wrong in one place, which the invariants must notice -- */

static gboolean
twin_is_noticed (guint i, const SettleRow *wrong)
{
    g_autofree SettleRow *table =
        g_memdup2 (settle_table, settle_table_rows * sizeof settle_table[0]);
    SettleView view;

    table[i] = *wrong;
    return find_breach (table, NULL, &view);
}

/* Whatever a row says, the opposite is wrong there. */
static SettleAction
opposite (SettleAction action)
{
    switch (action) {
    case SETTLE_SOURCE_KEEPS:
    case SETTLE_CANCEL:
    case SETTLE_YANK:
    case SETTLE_QUIT_DESTINATION:
    case SETTLE_GUEST_ENDED:
        return SETTLE_DESTINATION_KEEPS;
    case SETTLE_DESTINATION_KEEPS:
    case SETTLE_HANDED_OVER:
    case SETTLE_POSTCOPY_RECOVER:
    case SETTLE_POSTCOPY_PAUSE:
    case SETTLE_POSTCOPY_STUCK:
    case SETTLE_STOP_SOURCE:
    case SETTLE_CARRY_ON:
    case SETTLE_WAIT:
    case SETTLE_UNDECIDED:
        return SETTLE_SOURCE_KEEPS;
    }
    return SETTLE_SOURCE_KEEPS;
}

static void
test_twins_with_the_opposite (void)
{
    for (guint i = 0; i < settle_table_rows; i++) {
        SettleRow wrong = settle_table[i];

        wrong.action = opposite (wrong.action);
        if (!twin_is_noticed (i, &wrong))
            g_error ("nobody notices row %u with the opposite: %s", i, wrong.why);
    }
}

/* The Nth row (from 0) with this action for this source. */
static guint
find_row (SettleAction action, SourceState source, guint nth)
{
    for (guint i = 0; i < settle_table_rows; i++)
        if (settle_table[i].action == action && (settle_table[i].sources & (1u << source)) &&
            nth-- == 0)
            return i;
    g_assert_not_reached ();
}

/* What keeps a row from running, quitting, cancelling or yanking where it must not. */
static void
test_twins_without_a_guard (void)
{
    static const struct {
        SettleAction action;
        SourceState source;
        guint nth;
        guint needs, lacks; /* taken away */
    } twins[] = {
        { SETTLE_QUIT_DESTINATION, SOURCE_RUNS, 1, FACT_CLEARED, 0 },
        { SETTLE_QUIT_DESTINATION, SOURCE_RUNS, 1, 0, FACT_TOLD },
        { SETTLE_QUIT_DESTINATION, SOURCE_COMPLETED, 0, FACT_ABANDONED, 0 },
        { SETTLE_QUIT_DESTINATION, SOURCE_COMPLETED, 0, 0, FACT_RAN_THERE },
        { SETTLE_QUIT_DESTINATION, SOURCE_COMPLETED, 0, 0, FACT_OWNED },
        { SETTLE_QUIT_DESTINATION, SOURCE_COMPLETED, 1, FACT_REFUSED, 0 },
        { SETTLE_SOURCE_KEEPS, SOURCE_COMPLETED, 0, FACT_ABANDONED, 0 },
        { SETTLE_SOURCE_KEEPS, SOURCE_COMPLETED, 1, FACT_CONFIRMED, 0 },
        { SETTLE_CANCEL, SOURCE_MOVING, 0, 0, FACT_OWNED },
        { SETTLE_CARRY_ON, SOURCE_MOVING, 0, FACT_FORWARD, 0 },
        { SETTLE_YANK, SOURCE_MOVING, 0, FACT_YANK, 0 },
        { SETTLE_YANK, SOURCE_MOVING, 1, FACT_BEFORE, 0 },
        { SETTLE_YANK, SOURCE_MOVING, 2, FACT_CLEARED, 0 },
        { SETTLE_YANK, SOURCE_MOVING, 2, 0, FACT_TOLD },
        { SETTLE_YANK, SOURCE_DEVICE, 1, FACT_CLEARED, 0 },
        { SETTLE_YANK, SOURCE_DEVICE, 2, 0, FACT_TOLD },
        { SETTLE_YANK, SOURCE_SILENT, 1, FACT_BEFORE, 0 },
        { SETTLE_YANK, SOURCE_SILENT, 2, FACT_CLEARED, 0 },
        { SETTLE_YANK, SOURCE_SILENT, 2, 0, FACT_TOLD },
        { SETTLE_YANK, SOURCE_SILENT, 2, 0, FACT_OWNED },
        { SETTLE_DESTINATION_KEEPS, SOURCE_SILENT, 0, FACT_TOLD, 0 },
        { SETTLE_GUEST_ENDED, SOURCE_COMPLETED, 0, FACT_RAN_THERE, 0 },
    };

    for (guint t = 0; t < G_N_ELEMENTS (twins); t++) {
        guint i = find_row (twins[t].action, twins[t].source, twins[t].nth);
        SettleRow wrong = settle_table[i];

        g_assert_cmpuint (wrong.needs & twins[t].needs, ==, twins[t].needs);
        g_assert_cmpuint (wrong.lacks & twins[t].lacks, ==, twins[t].lacks);
        wrong.needs &= ~twins[t].needs;
        wrong.lacks &= ~twins[t].lacks;
        if (!twin_is_noticed (i, &wrong))
            g_error ("nobody notices row %u without its guard: %s", i, wrong.why);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/settle/each-row-by-an-example", test_rows);
    check_add ("/settle/never-two-and-never-a-guess", test_invariants);
    check_add ("/settle/going-on-changes-nothing-else", test_forward);
    check_add ("/settle/no-yank-where-both-could-run", test_no_wrong_yank);
    check_add ("/settle/twins-with-the-opposite-are-noticed", test_twins_with_the_opposite);
    check_add ("/settle/twins-without-a-guard-are-noticed", test_twins_without_a_guard);
    return g_test_run ();
}
