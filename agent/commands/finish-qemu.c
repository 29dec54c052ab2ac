/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/finish-qemu.h"

#include "agent/commands/postcopy-switch.h"
#include "agent/commands/record.h"
#include "agent/migration/error.h"
#include "agent/steering/sample.h"
#include "agent/units.h"

/* The longest blackout that is spent without having been asked for by name. */
#define CAP_US (2 * G_USEC_PER_SEC)
/* QEMU takes no longer downtime-limit. */
#define QEMU_CAP_US (2000 * G_USEC_PER_SEC)
/* What is allowed above the estimate: the guest goes on writing until it stops. */
#define MARGIN 1.2

#define LOOK_US     (100 * 1000)
#define PATIENCE_US (60 * G_USEC_PER_SEC)

typedef enum { BY_DOWNTIME, BY_POSTCOPY, BY_PAUSE } Means;

typedef struct {
    Reach *reach;
    gboolean by_name;    /* the means was asked for */
    guint64 cap_us;      /* of the downtime limit */
    guint64 limit_us;    /* that we have set */
    gboolean we_stopped; /* the guest, and have to let it run if it stays here */
    gint64 deadline_us;
} Finish;

/* --- what it will cost ----------------------------------------------------------------------- */

static char *
blackout_text (guint64 us)
{
    return us == SAMPLE_UNKNOWN ? g_strdup ("not known yet") : units_format_time (us);
}

void
finish_say_expected (Reach *reach, guint64 remaining_bytes, guint64 bandwidth, guint64 blackout_us)
{
    g_autofree char *remaining = units_format_size (remaining_bytes);
    g_autofree char *rate = units_format_rate (bandwidth);
    g_autofree char *blackout = blackout_text (blackout_us);

    if (blackout_us == SAMPLE_UNKNOWN)
        record_say (reach->line, "expected", "%s: the expected blackout is not known yet",
                    reach_vm (reach));
    else
        record_say (reach->line, "expected",
                    "%s: %s remain, sent at %s: a blackout of about %s is expected",
                    reach_vm (reach), remaining, rate, blackout);
}

/* --- by raising the limit -------------------------------------------------------------------- */

static guint64
needed_us (const Look *look)
{
    guint64 blackout_us = look_blackout_us (look);

    return blackout_us == SAMPLE_UNKNOWN
               ? SAMPLE_UNKNOWN
               : (guint64)((double)blackout_us * MARGIN) / 1000 * 1000 + 10 * 1000;
}

/* To what LOOK needs, unless that is more than the cap. */
static gboolean
raise_limit (Finish *self, const Look *look, GError **error)
{
    guint64 now_us = qmp_peek_uint (look->parameters, "downtime-limit", 0) * 1000;
    guint64 wanted_us = needed_us (look);
    g_autofree char *text = units_format_time (wanted_us);
    g_autofree char *cap = units_format_time (self->cap_us);
    g_autoptr (json_object) answer = NULL;

    if (wanted_us == SAMPLE_UNKNOWN || wanted_us <= now_us || wanted_us > self->cap_us)
        return TRUE;
    answer = reach_qmp (
        self->reach, "migrate-set-parameters",
        qmp_object ("downtime-limit", json_object_new_uint64 (wanted_us / 1000), NULL), error);
    if (answer && wanted_us > self->limit_us)
        record_say (self->reach->line, "downtime-limit",
                    "%s: downtime-limit raised to %s (%s is the most that is taken)",
                    reach_vm (self->reach), text, cap);
    self->limit_us = wanted_us;
    return answer != NULL;
}

/* --- to the end ------------------------------------------------------------------------------ */

/* A guest that we stopped and that stays here runs on; it was stopped when it left, so nothing can
 * have started it at the destination. */
static gboolean
let_run_on (Finish *self, GError **error)
{
    g_autoptr (json_object) answer = NULL;

    if (!self->we_stopped)
        return TRUE;
    answer = reach_qmp (self->reach, "cont", NULL, error);
    return answer != NULL;
}

static gboolean
tell_end (Finish *self, const Look *look, GError **error)
{
    const char *vm = reach_vm (self->reach);
    const char *desc = qmp_peek_string (look->migrate, "error-desc", "QEMU gives no reason");

    if (look->status != STATUS_COMPLETED) {
        if (!let_run_on (self, error))
            return FALSE;
        self->we_stopped = FALSE;
        return migrate_fail (error, look->status == STATUS_CANCELLED ? EXIT_CANCELLED : EXIT_FAILED,
                             "%s: the migration is %s (%s); the guest stays here", vm, look->word,
                             desc);
    }
    record_say (self->reach->line, "completed",
                "%s: completed: all of it was sent. The destination is not observed from here%s",
                vm,
                self->we_stopped ? ": the guest stands still there until somebody tells its QEMU "
                                   "to `cont`"
                                 : "; if its QEMU was started with -S, it waits for `cont`");
    return TRUE;
}

static gboolean
fail_late (Finish *self, const Look *look, GError **error)
{
    return migrate_fail (error, EXIT_LEFT,
                         "%s: the migration is still %s; it goes on (`qmpmig status`)",
                         reach_vm (self->reach), look->word);
}

static gboolean
await_end (Finish *self, GError **error)
{
    g_auto (Look) look = { 0 };
    gboolean waits = FALSE;

    for (;;) {
        if (!look_take (self->reach, &look, error))
            return FALSE;
        if (!status_is_running (look.status))
            return tell_end (self, &look, error);
        if (look.status == STATUS_PRE_SWITCHOVER &&
            !switchover_continue (self->reach, &waits, error))
            return FALSE;
        if (waits)
            return migrate_fail (error, EXIT_LEFT, "%s: it is left in %s", reach_vm (self->reach),
                                 look.word);
        if (g_get_monotonic_time () >= self->deadline_us)
            return fail_late (self, &look, error);
        if (self->cap_us > 0 && look.status == STATUS_ACTIVE && !raise_limit (self, &look, error))
            return FALSE;
        g_usleep (LOOK_US);
    }
}

/* --- when nobody steers ---------------------------------------------------------------------- */

static gboolean
check_running (Reach *reach, const Look *look, GError **error)
{
    const char *vm = reach_vm (reach);

    if (look->is_destination)
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: finish: this is the receiving end; the source ends it", vm);
    if (status_is_postcopy (look->status))
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: finish: it is in postcopy (%s) and ends by itself", vm,
                             look->word);
    if (!status_is_running (look->status))
        return migrate_fail (error, EXIT_REFUSED, "%s: finish: no migration runs (QEMU: %s)", vm,
                             look->word);
    return TRUE;
}

static gboolean
fail_dear (Finish *self, const Look *look, GError **error)
{
    g_autofree char *needed = units_format_time (needed_us (look));
    g_autofree char *cap = units_format_time (CAP_US);

    return migrate_fail (error, EXIT_REFUSED,
                         "%s: finish: refused: it takes a downtime-limit of %s, and no more than "
                         "%s is spent unasked; postcopy is not armed. --by downtime or --by pause "
                         "spends it",
                         reach_vm (self->reach), needed, cap);
}

/* The mildest that is permitted: a short blackout, then postcopy. */
static gboolean
choose (Finish *self, const Look *look, Means *ret_means, GError **error)
{
    gboolean is_armed = FALSE;

    if (needed_us (look) == SAMPLE_UNKNOWN)
        return migrate_fail (error, EXIT_REFUSED,
                             "%s: finish: it is too early to tell what it would cost",
                             reach_vm (self->reach));
    if (needed_us (look) <= CAP_US) {
        *ret_means = BY_DOWNTIME;
        return TRUE;
    }
    if (!look_has_capability (self->reach, "postcopy-ram", &is_armed, error))
        return FALSE;
    if (!is_armed)
        return fail_dear (self, look, error);
    *ret_means = BY_POSTCOPY;
    return TRUE;
}

static gboolean
finish_by_downtime (Finish *self, const Look *look, GError **error)
{
    self->cap_us = self->by_name ? QEMU_CAP_US : CAP_US;
    return raise_limit (self, look, error) && await_end (self, error);
}

static gboolean
finish_by_postcopy (Finish *self, const Look *look, GError **error)
{
    return postcopy_check (self->reach, look, error) && postcopy_switch (self->reach, error);
}

static gboolean
finish_by_pause (Finish *self, const Look *look, GError **error)
{
    g_autoptr (json_object) answer = reach_qmp (self->reach, "stop", NULL, error);

    if (!answer)
        return FALSE;
    self->we_stopped = run_state_is_live (look->run_state);
    record_say (self->reach->line, "paused",
                "%s: the guest is stopped here until all of it is sent. It arrives stopped, and "
                "runs there only when somebody tells its QEMU to `cont`: nobody of ours steers",
                reach_vm (self->reach));
    if (await_end (self, error))
        return TRUE;
    if (self->we_stopped)
        g_prefix_error (error, "the guest was stopped for it, `qmpmig qmp cont` lets it run on: ");
    return FALSE;
}

/* Three times what it should take, and some. */
static gint64
patience_us (const Look *look)
{
    guint64 blackout_us = look_blackout_us (look);

    return PATIENCE_US +
           (blackout_us == SAMPLE_UNKNOWN ? 0 : (gint64)MIN (3 * blackout_us, QEMU_CAP_US));
}

gboolean
finish_at_qemu (Reach *reach, const char *by, GError **error)
{
    static const char *const names[] = { "downtime", "postcopy", "pause" };
    static gboolean (*const runs[]) (Finish *, const Look *, GError **) = { finish_by_downtime,
                                                                            finish_by_postcopy,
                                                                            finish_by_pause };
    Finish self = { .reach = reach, .by_name = by != NULL };
    g_auto (Look) look = { 0 };
    Means means = BY_DOWNTIME;

    if (!look_take (reach, &look, error) || !check_running (reach, &look, error))
        return FALSE;
    finish_say_expected (reach, look_remaining_bytes (&look), look_bandwidth_bytes_per_s (&look),
                         look_blackout_us (&look));
    for (guint i = 0; by && i < G_N_ELEMENTS (names); i++)
        if (g_str_equal (by, names[i]))
            means = i;
    if (!by && !choose (&self, &look, &means, error))
        return FALSE;
    self.deadline_us = g_get_monotonic_time () + patience_us (&look);
    return runs[means](&self, &look, error);
}
