/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the policy `auto` keeps in mind from look to look. */
#include "auto-moves.h"

/* What deltas bring is known when so many pages were looked up in a cache that is full. */
#define ENOUGH_PAGES 256
/* The second pass fills it. */
#define TRIAL_PASS 2
/* So much more than the curve foretold is not a matter of its error. */
#define BURST 1.5
/* So little of it is a pause. */
#define QUIET 0.25
/* Of the largest set that was seen, still to be sent. */
#define CLEAN 0.5
/* A link that is so much faster than it was is another one. */
#define FASTER 1.25
/* A guest that was throttled so often in vain is left alone. */
#define MOST_TRIES 3

static uint64_t
counted (uint64_t value)
{
    return value == QMPMIG_UNKNOWN ? 0 : value;
}

static uint64_t
looked_up (const struct qmpmig_sample *s)
{
    return counted (s->xbzrle_pages) + counted (s->xbzrle_misses);
}

void
note_pass (struct policy *p, const struct qmpmig_sample *s)
{
    if (!(s->why & QMPMIG_WHY_PASS))
        return;
    p->passes++;
    p->looked_up = looked_up (s);
    if (p->least_bytes == 0 ||
        (double)s->remaining_at_sync_bytes < FORECAST_SHRINKS * (double)p->least_bytes) {
        p->least_bytes = s->remaining_at_sync_bytes;
        p->passes_in_vain = 0;
    } else {
        p->passes_in_vain++;
    }
}

/* What lies below the shortest time of a set that was only seen full is no foretelling. */
static int
is_burst (const struct policy *p, const struct qmpmig_sample *s)
{
    const struct curve_model *curve = &p->foretold;
    double us = (double)(s->now_us - p->looked_us);

    if (!p->was_calm || counted (s->throttle_pct) > 1 || curve->points < 2)
        return 0;
    if (!curve_was_open (curve) && us < (double)curve->curve.time_us[0])
        return 0;
    return (double)counted (s->dirtied_bytes) > BURST * curve_bytes (curve, us);
}

/* A guest that pauses. While most of its set is still to be sent a look finds little of it anyway.
 */
static int
is_quiet (const struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m)
{
    const struct qmpmig_curve *curve = &m->curve.curve;
    double us = (double)(s->now_us - p->looked_us);

    return counted (s->throttle_pct) <= 1 && m->curve.points > 1 &&
           (double)s->remaining_at_sync_bytes < (double)curve->bytes[m->curve.points - 1] * CLEAN &&
           (double)counted (s->dirtied_bytes) < QUIET * curve_bytes (&m->curve, us);
}

void
note_burst (struct policy *p, const struct qmpmig_sample *s, const struct forecast_model *m)
{
    if (s->why & QMPMIG_WHY_SYNC) {
        if (is_burst (p, s))
            p->in_burst = 1;
        p->is_quiet = is_quiet (p, s, m);
        p->quiet_looks += (uint64_t)p->is_quiet;
        p->looked_us = s->now_us;
        p->foretold = m->curve;
    }
    if (p->in_burst)
        p->waited_us += s->now_us - p->now_us;
    p->now_us = s->now_us;
}

int
deltas_are_open (const struct policy *p, const struct qmpmig_sample *s)
{
    if (s->xbzrle_pages == QMPMIG_UNKNOWN || p->passes > TRIAL_PASS)
        return 0;
    return p->passes < TRIAL_PASS || looked_up (s) < p->looked_up + ENOUGH_PAGES;
}

/* Only a look that counts makes QEMU tell another rate. */
void
note_count (struct policy *p, const struct qmpmig_sample *s)
{
    uint64_t rate = counted (s->dirty_bytes_per_s);

    if (rate != p->dirty_rate)
        p->counted_us = s->now_us;
    p->dirty_rate = rate;
}

void
note_stuck (struct policy *p, const struct forecast_model *m)
{
    p->stuck_points = m->curve.points;
    p->stuck_link = m->link;
}

int
has_news (const struct policy *p, const struct forecast_model *m)
{
    if (p->tries >= MOST_TRIES || (p->tries > 0 && p->tried_pass == p->passes))
        return 0;
    return m->curve.points > p->stuck_points || m->link > FASTER * p->stuck_link;
}
