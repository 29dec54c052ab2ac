/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/guard.h"

#include "agent/units.h"

/* QEMU takes no longer downtime-limit. */
#define LONGEST_DOWNTIME_US (2000 * (guint64)G_TIME_SPAN_SECOND)
#define SMALLEST_CACHE      4096

static void tell (GPtrArray *changed, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
tell (GPtrArray *changed, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    g_ptr_array_add (changed, g_strdup_vprintf (format, args));
    va_end (args);
}

static void
drop (struct qmpmig_advice *a, guint64 bit, GPtrArray *changed, const char *what)
{
    a->set &= ~bit;
    tell (changed, "%s cannot be changed now", what);
}

/* Which knob needs which permission. The throttle has two, by direction. */
static void
drop_what_may_not (const Sample *s, struct qmpmig_advice *a, GPtrArray *changed)
{
    static const struct {
        guint64 set, may;
        const char *what;
    } knobs[] = {
        { QMPMIG_SET_DOWNTIME, QMPMIG_MAY_DOWNTIME, "the downtime limit" },
        { QMPMIG_SET_BANDWIDTH, QMPMIG_MAY_BANDWIDTH, "the bandwidth" },
        { QMPMIG_SET_POSTCOPY_BANDWIDTH, QMPMIG_MAY_POSTCOPY, "the postcopy bandwidth" },
        { QMPMIG_SET_SWITCHOVER_BANDWIDTH, QMPMIG_MAY_SWITCHOVER_BANDWIDTH,
          "the switchover bandwidth" },
        { QMPMIG_SET_XBZRLE_CACHE, QMPMIG_MAY_XBZRLE_CACHE, "the xbzrle cache" },
        { QMPMIG_SET_DIRTY_LIMIT, QMPMIG_MAY_DIRTY_LIMIT, "the vCPUs' dirty limit" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (knobs); i++)
        if (a->set & knobs[i].set && !(s->may & knobs[i].may))
            drop (a, knobs[i].set, changed, knobs[i].what);
}

static void
guard_throttle (const Sample *s, struct qmpmig_advice *a, GPtrArray *changed)
{
    guint64 now = s->throttle_commanded_pct == SAMPLE_UNKNOWN ? 0 : s->throttle_commanded_pct;

    if (!(a->set & QMPMIG_SET_THROTTLE))
        return;
    if (a->throttle_pct > s->limits.max_throttle_pct) {
        tell (changed, "throttle %" G_GUINT64_FORMAT "%% cut to %" G_GUINT64_FORMAT "%%",
              MIN (a->throttle_pct, 100), s->limits.max_throttle_pct);
        a->throttle_pct = s->limits.max_throttle_pct;
    }
    if (!(s->may & (a->throttle_pct > now ? QMPMIG_MAY_THROTTLE_UP : QMPMIG_MAY_THROTTLE_DOWN)))
        drop (a, QMPMIG_SET_THROTTLE, changed, "the throttle");
}

static void
guard_downtime (const Sample *s, struct qmpmig_advice *a, GPtrArray *changed)
{
    guint64 most = MIN (s->limits.max_downtime_us, LONGEST_DOWNTIME_US);
    g_autofree char *text = units_format_time (most);

    if (!(a->set & QMPMIG_SET_DOWNTIME) || a->downtime_limit_us <= most)
        return;
    tell (changed, "downtime limit cut to %s", text);
    a->downtime_limit_us = most;
}

static void
guard_rate (guint64 *rate, guint64 most, const char *what, GPtrArray *changed)
{
    g_autofree char *text = units_format_rate (most);

    if (most == 0 || (*rate != 0 && *rate <= most))
        return;
    tell (changed, "%s cut to %s", what, text);
    *rate = most;
}

static void
guard_rates (const Sample *s, struct qmpmig_advice *a, GPtrArray *changed)
{
    guint64 most = s->limits.max_bandwidth_bytes_per_s;

    if (a->set & QMPMIG_SET_BANDWIDTH)
        guard_rate (&a->bandwidth_bytes_per_s, most, "bandwidth", changed);
    if (a->set & QMPMIG_SET_POSTCOPY_BANDWIDTH)
        guard_rate (&a->postcopy_bandwidth_bytes_per_s, most, "postcopy bandwidth", changed);
}

/* The fastest that whole pages can go: as deltas, they are so much smaller. */
static guint64
link_in_pages (const Sample *s)
{
    guint64 link = s->link_bytes_per_s, cost = s->page_bytes, page = s->page_size_bytes;

    if (link == SAMPLE_UNKNOWN || cost == SAMPLE_UNKNOWN || page == SAMPLE_UNKNOWN || cost == 0 ||
        cost > page)
        return link;
    return (guint64)((double)link * (double)page / (double)cost);
}

/* QEMU stops the guest when what is left can be sent at that rate within the downtime limit: one
 * that the link does not have makes the blackout as long as it likes. 0 is QEMU's own measure. */
static void
guard_switchover (const Sample *s, struct qmpmig_advice *a, GPtrArray *changed)
{
    guint64 link = link_in_pages (s);
    g_autofree char *text = units_format_rate (link);

    if (!(a->set & QMPMIG_SET_SWITCHOVER_BANDWIDTH) || a->switchover_bandwidth_bytes_per_s == 0)
        return;
    if (link == SAMPLE_UNKNOWN || link == 0) {
        a->set &= ~(guint64)QMPMIG_SET_SWITCHOVER_BANDWIDTH;
        tell (changed, "the link's rate is not known yet: no switchover bandwidth is set");
    } else if (a->switchover_bandwidth_bytes_per_s > link) {
        tell (changed, "switchover bandwidth cut to %s, as measured", text);
        a->switchover_bandwidth_bytes_per_s = link;
    }
}

/* A power of two no larger than the guest. */
static void
guard_cache (const Sample *s, struct qmpmig_advice *a, GPtrArray *changed)
{
    guint64 wanted = a->xbzrle_cache_bytes, size = SMALLEST_CACHE;

    if (!(a->set & QMPMIG_SET_XBZRLE_CACHE))
        return;
    while (size < wanted && size <= s->total_bytes / 2)
        size *= 2;
    if (size < wanted)
        tell (changed, "xbzrle cache cut to the size of the guest");
    a->xbzrle_cache_bytes = size;
}

static void
guard_action (const Sample *s, struct qmpmig_advice *a, GPtrArray *changed)
{
    static const struct {
        guint64 action, may;
        const char *why;
    } rules[] = {
        { QMPMIG_ACTION_POSTCOPY, QMPMIG_MAY_POSTCOPY, "postcopy is not possible now" },
        { QMPMIG_ACTION_PAUSE_GUEST, QMPMIG_MAY_PAUSE_GUEST, "the guest may not be paused" },
        { QMPMIG_ACTION_CANCEL, QMPMIG_MAY_CANCEL, "it may not be cancelled" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (rules); i++)
        if (a->action == rules[i].action && !(s->may & rules[i].may)) {
            tell (changed, "%s", rules[i].why);
            a->action = QMPMIG_ACTION_NONE;
        }
}

void
guard_advice (const Sample *s, struct qmpmig_advice *a, GPtrArray *changed)
{
    drop_what_may_not (s, a, changed);
    guard_throttle (s, a, changed);
    guard_downtime (s, a, changed);
    guard_rates (s, a, changed);
    guard_switchover (s, a, changed);
    guard_cache (s, a, changed);
    guard_action (s, a, changed);
}
