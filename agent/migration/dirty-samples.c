/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/dirty-samples.h"

/* As many pages as are worth looking at for times that fit beside a first pass: 16 MiB to look
 * through, twice, or what QEMU looks through at least. */
#define PAGES 4096
/* Of those that were looked at; fewer that changed say little. */
#define ENOUGH_HITS 16

/* What fits beside a first pass, and is short beside others. Where that takes long so do others,
 * and what is little of a large guest takes long to be seen in a sample. */
static const struct {
    guint time_ms;
    double pass_us;
} times[] = {
    { 100, 0 }, { 400, 0 }, { 2000, 20.0 * G_USEC_PER_SEC }, { 5000, 60.0 * G_USEC_PER_SEC }
};

static gboolean
is_possible (const Sample *now, const QmpVersion *version)
{
    return dirty_rate_has_milliseconds (version) && now->total_bytes != SAMPLE_UNKNOWN &&
           now->total_bytes >= DIRTY_RATE_LEAST_RAM && now->guest_running == 1 && now->syncs <= 1;
}

/* As if none of what remains were zero. */
static double
first_pass_us (const Sample *now)
{
    guint64 link = now->link_bytes_per_s;

    if (link == SAMPLE_UNKNOWN || link == 0 || now->remaining_bytes == SAMPLE_UNKNOWN)
        return 0;
    return (double)now->now_us + (double)now->remaining_bytes * G_USEC_PER_SEC / (double)link;
}

guint
dirty_samples_next_ms (guint taken, const Sample *now, const QmpVersion *version)
{
    if (taken >= G_N_ELEMENTS (times) || !is_possible (now, version))
        return 0;
    return first_pass_us (now) >= times[taken].pass_us ? times[taken].time_ms : 0;
}

DirtyRate
dirty_samples_question (const Sample *now, guint time_ms)
{
    return (DirtyRate){ .ram_bytes = now->total_bytes, .time_ms = time_ms, .pages = PAGES };
}

void
dirty_samples_take (Estimate *estimate, const Sample *now, guint time_ms, guint64 bytes)
{
    DirtyRate rate = dirty_samples_question (now, time_ms);
    double pages = (double)dirty_rate_samples (&rate);

    if ((double)bytes * pages >= ENOUGH_HITS * (double)now->total_bytes)
        estimate_take_sampled (estimate, (guint64)time_ms * G_TIME_SPAN_MILLISECOND, bytes);
}
