/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/predict/likeness.h"

#include <math.h>

#include "agent/predict/likeness-internal.h"
#include "agent/predict/look-fit.h"
#include "agent/units.h"

/* A throttled guest runs in slices of 10 ms: which of them fall into a shorter time is chance, and
 * how much of one is at the end of a longer. */
#define BLURRED_US 20000.0
#define GRAIN_US   10000.0
/* Of somebody who is not held back it is known better when QEMU looked. */
#define SOON_US 5000.0
#define LAG_US  1000.0
/* A look that is off by such a share is a good one. */
#define GOOD 0.05
/* With less that could be found one that was found stands for too many. */
#define LEAST_UNKNOWN 0.25
/* Fewer tell nothing of what pages are like. */
#define ENOUGH_PAGES 256

typedef struct {
    const GArray *samples; /* Sample */
    GArray *looks;         /* Look: QEMU's, at the dirty log */
    double most;           /* bytes found by one of them */
} Study;

static const Sample *
sample_at (const Study *self, guint index)
{
    return sample_in (self->samples, index);
}

/* --- how much it writes ---------------------------------------------------------------------- */

/* The most that was found at once: what it writes to, about. */
static double
most_written (const Study *self)
{
    double most = 0;

    for (guint i = 1; i < self->samples->len; i++)
        if (sample_at (self, i)->syncs != sample_at (self, i - 1)->syncs)
            most = MAX (most, known (sample_at (self, i)->dirtied_bytes));
    return most;
}

/* What was still to be sent was known to be dirty, and is not found again when it is written: in
 * the first pass that may be any page, and later one of those that are written to. */
static double
unknown_share (const Study *self, const Sample *last, const Sample *now)
{
    double left = known (now->remaining_bytes) - known (now->dirtied_bytes);
    double all = last->syncs < 2 ? known (last->total_bytes) : self->most;

    return CLAMP (1 - left / MAX (all, 1), LEAST_UNKNOWN, 1);
}

static double
trust (const Sample *last, double guest_us, double unknown)
{
    double grain_us = known (last->throttle_pct) > 0 ? GRAIN_US : LAG_US, off = grain_us / guest_us;

    return unknown * unknown * GOOD * GOOD / (GOOD * GOOD + off * off);
}

static void
take_look (Study *self, const Sample *last, const Sample *now, double guest_us)
{
    double unknown = unknown_share (self, last, now);
    Look look = { .us = guest_us,
                  .bytes = known (now->dirtied_bytes) / unknown,
                  .trust = trust (last, guest_us, unknown) };
    gboolean alone = last->syncs > 0 && now->syncs == last->syncs + 1;
    gboolean held_back = known (last->throttle_pct) > 0;

    if (alone && guest_us > (held_back ? BLURRED_US : SOON_US) && now->guest_running == 1)
        g_array_append_val (self->looks, look);
}

static void
find_looks (Study *self)
{
    double guest_us = 0;

    self->most = most_written (self);
    for (guint i = 1; i < self->samples->len; i++) {
        const Sample *last = sample_at (self, i - 1), *now = sample_at (self, i);
        double running = 1 - known (last->throttle_pct) / 100;

        guest_us += last->guest_running == 1 ? (double)(now->now_us - last->now_us) * running : 0;
        if (now->syncs == last->syncs)
            continue;
        take_look (self, last, now, guest_us);
        guest_us = 0;
    }
}

/* --- what its pages are like ----------------------------------------------------------------- */

static guint
first_pass_end (const Study *self)
{
    guint i = 0;

    while (i + 1 < self->samples->len && sample_at (self, i)->syncs < 2)
        i++;
    return i;
}

/* QEMU counts pages that had not changed among those that it made deltas of; most were changed
 * where a delta took most. */
static double
largest_delta (const Study *self)
{
    const Sample *first = sample_at (self, 0);
    double most = 0;

    for (guint i = 1; i < self->samples->len; i++) {
        const Sample *now = sample_at (self, i);
        double whole = known (now->xbzrle_overflow) - known (first->xbzrle_overflow);
        double deltas = known (now->xbzrle_pages) - known (first->xbzrle_pages) - whole;
        double bytes = known (now->xbzrle_bytes) - known (first->xbzrle_bytes) - whole * SIM_PAGE;

        if (deltas < ENOUGH_PAGES)
            continue;
        most = MAX (most, bytes / deltas);
        first = now;
    }
    return most;
}

static void
append_delta (const Study *self, GString *keys)
{
    const Sample *last = sample_at (self, self->samples->len - 1);
    double pages = known (last->xbzrle_pages), whole = known (last->xbzrle_overflow);

    if (pages >= ENOUGH_PAGES && whole < pages / 2)
        g_string_append_printf (keys, ",delta=%.0fB", MAX (largest_delta (self), 1));
}

/* Of what was sent again. */
static double
share_of_zero (const Sample *first, const Sample *last)
{
    double zero = known (last->zero_pages) - known (first->zero_pages);
    double pages = pages_in (last) - pages_in (first);

    return pages > ENOUGH_PAGES ? MIN (zero / pages, 1) : 0;
}

static char *
page_keys (const Study *self, double zero)
{
    GString *keys = g_string_new (NULL);

    append_delta (self, keys);
    if (zero > 0.01)
        g_string_append_printf (keys, ",zero=%.0f%%", 100 * zero);
    return g_string_free (keys, FALSE);
}

static char *
find_terms (Study *self, guint64 memory_bytes)
{
    const Sample *first = sample_at (self, first_pass_end (self));
    const Sample *last = sample_at (self, self->samples->len - 1);
    double zero = share_of_zero (first, last);
    g_autofree char *keys = page_keys (self, zero);
    double untouched = known (first->zero_pages) * SIM_PAGE * (1 - zero), written = 0, idle;
    guint64 most = memory_bytes - MIN ((guint64)untouched, memory_bytes);
    g_autofree char *terms = look_fit (self->looks, most, keys, &written);

    idle = MAX (known (first->zero_pages) * SIM_PAGE - written * zero, 0);
    return g_strdup_printf ("%s+zero:%.0fKiB", terms, idle / 1024);
}

/* --------------------------------------------------------------------------------------------- */

static gboolean
fail (GError **error, const char *text)
{
    g_set_error_literal (error, UNITS_ERROR, 0, text);
    return FALSE;
}

gboolean
likeness_take (Likeness *self, const Recording *recording, GError **error)
{
    g_autoptr (GArray) looks = g_array_new (FALSE, FALSE, sizeof (Look));
    Study study = { .samples = recording->samples, .looks = looks };
    guint64 memory = sample_at (&study, 0)->total_bytes;
    double link = likeness_link (recording->samples);

    if (memory == SAMPLE_UNKNOWN || memory < 1024 * 1024)
        return fail (error, "the trace does not tell the guest's memory");
    if (link <= 0)
        return fail (error, "the trace is too short to tell the link's rate");
    find_looks (&study);
    *self = (Likeness){ .memory_bytes = memory,
                        .link_bytes_per_s = (guint64)link,
                        .terms = find_terms (&study, memory) };
    return TRUE;
}

void
likeness_clear (Likeness *self)
{
    g_clear_pointer (&self->terms, g_free);
}
