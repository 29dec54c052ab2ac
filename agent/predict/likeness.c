/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/predict/likeness.h"

#include <math.h>

#include "agent/predict/look-fit.h"
#include "agent/units.h"

/* A look over a shorter time says nothing of a rate. */
#define SHORTEST_US 50000
/* A guest in slices of 10 ms: which of them fall into a shorter time is chance. */
#define BLURRED_US 20000.0
/* With so much left of what was known to be dirty, much of what was written was known already. */
#define MUCH_LEFT 0.25
/* Looks with little left are better; those with much count where there are so many for one. */
#define MANY 3
/* With less that could be found one that was found stands for too many. */
#define LEAST_UNKNOWN 0.25
/* Pages that go for less did not need the link. */
#define FULL_PAGE_BYTES 2048
/* Fewer tell nothing of what pages are like. */
#define ENOUGH_PAGES 256

typedef struct {
    const GArray *samples; /* Sample */
    GArray *looks;         /* Look: QEMU's, at the dirty log */
    GArray *crowded;       /* the same with much left */
    double most;           /* bytes found by one of them */
} Study;

static const Sample *
sample_at (const Study *self, guint index)
{
    return &g_array_index (self->samples, Sample, index);
}

static double
known (guint64 value)
{
    return value == SAMPLE_UNKNOWN ? 0 : (double)value;
}

static gboolean
is_precopy (const Sample *s)
{
    return s->status == QMPMIG_STATUS_ACTIVE && s->guest_running == 1;
}

/* --- the link -------------------------------------------------------------------------------- */

typedef struct {
    double rate, us;
} Stretch;

static double
pages_of (const Sample *s)
{
    return known (s->normal_pages) + known (s->zero_pages) + known (s->xbzrle_pages) -
           known (s->xbzrle_overflow);
}

/* The link was what held it up: there were pages, and they were full ones. */
static gboolean
take_stretch (const Sample *last, const Sample *now, Stretch *ret)
{
    double pages = pages_of (now) - pages_of (last);
    double bytes = known (now->sent_bytes) - known (last->sent_bytes);

    *ret = (Stretch){ .us = (double)(now->now_us - last->now_us) };
    if (!is_precopy (last) || !is_precopy (now) || ret->us < SHORTEST_US || pages <= 0 ||
        bytes < pages * FULL_PAGE_BYTES)
        return FALSE;
    ret->rate = bytes * G_USEC_PER_SEC / ret->us;
    return TRUE;
}

static int
compare_stretches (gconstpointer a, gconstpointer b)
{
    double x = ((const Stretch *)a)->rate, y = ((const Stretch *)b)->rate;

    return (x > y) - (x < y);
}

/* In half of the time it was faster. */
static double
median_rate (GArray *stretches)
{
    double all = 0, past = 0;
    guint i = 0;

    g_array_sort (stretches, compare_stretches);
    for (guint k = 0; k < stretches->len; k++)
        all += g_array_index (stretches, Stretch, k).us;
    while (i + 1 < stretches->len && (past += g_array_index (stretches, Stretch, i).us) < all / 2)
        i++;
    return stretches->len ? g_array_index (stretches, Stretch, i).rate : 0;
}

static double
find_link (const Study *self)
{
    g_autoptr (GArray) stretches = g_array_new (FALSE, FALSE, sizeof (Stretch));

    for (guint i = 1; i < self->samples->len; i++) {
        Stretch stretch;

        if (take_stretch (sample_at (self, i - 1), sample_at (self, i), &stretch))
            g_array_append_val (stretches, stretch);
    }
    return median_rate (stretches);
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
unknown_share (const Study *self, const Sample *last)
{
    double left = known (last->remaining_bytes);
    double all = last->syncs < 2 ? known (last->total_bytes) : self->most;

    return MAX (1 - left / MAX (all, 1), LEAST_UNKNOWN);
}

static void
take_look (Study *self, const Sample *last, const Sample *now, double guest_us)
{
    Look look = { .us = guest_us, .bytes = known (now->dirtied_bytes) };
    gboolean alone = last->syncs > 0 && now->syncs == last->syncs + 1;
    gboolean crowded = known (last->remaining_bytes) > MUCH_LEFT * look.bytes;

    if (!alone || guest_us <= BLURRED_US || now->guest_running != 1)
        return;
    if (crowded)
        look.bytes /= unknown_share (self, last);
    g_array_append_val (crowded ? self->crowded : self->looks, look);
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
    if (self->crowded->len > MANY * self->looks->len)
        g_array_append_vals (self->looks, self->crowded->data, self->crowded->len);
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

static void
append_delta (GString *keys, const Sample *last)
{
    double pages = known (last->xbzrle_pages), whole = known (last->xbzrle_overflow);
    double bytes = known (last->xbzrle_bytes) - whole * SIM_PAGE;

    if (pages < ENOUGH_PAGES)
        return;
    if (whole < pages / 2)
        g_string_append_printf (keys, ",delta=%.0fB", MAX (bytes / (pages - whole), 1));
}

/* Of what was sent again. */
static double
share_of_zero (const Sample *first, const Sample *last)
{
    double zero = known (last->zero_pages) - known (first->zero_pages);
    double pages = pages_of (last) - pages_of (first);

    return pages > ENOUGH_PAGES ? MIN (zero / pages, 1) : 0;
}

static char *
page_keys (const Study *self, double zero)
{
    GString *keys = g_string_new (NULL);

    append_delta (keys, sample_at (self, self->samples->len - 1));
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
    double written = 0, idle;
    g_autofree char *terms = look_fit (self->looks, memory_bytes, keys, &written);

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
    g_autoptr (GArray) crowded = g_array_new (FALSE, FALSE, sizeof (Look));
    Study study = { .samples = recording->samples, .looks = looks, .crowded = crowded };
    guint64 memory = sample_at (&study, 0)->total_bytes;
    double link = find_link (&study);

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
