/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What its link carried. */
#include <math.h>

#include "agent/predict/likeness-internal.h"

/* Stretches whose rate is another by such a share were disturbed. */
#define FAR_OFF 0.2
/* A look over a shorter time says nothing of a rate. */
#define SHORTEST_US 50000
/* Pages that go for less did not need the link. */
#define FULL_PAGE_BYTES 2048

static gboolean
is_precopy (const Sample *s)
{
    return s->status == QMPMIG_STATUS_ACTIVE && s->guest_running == 1;
}

typedef struct {
    double rate, us;
} Stretch;

/* The link was what held it up: there were pages, and they were full ones. */
static gboolean
take_stretch (const Sample *last, const Sample *now, Stretch *ret)
{
    double pages = pages_in (now) - pages_in (last);
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

/* QEMU counts in lumps, of which more or fewer fall into a stretch: the mean of those that are not
 * far off. */
static double
mean_rate (GArray *stretches)
{
    double median = median_rate (stretches), bytes = 0, us = 0;

    for (guint i = 0; i < stretches->len; i++) {
        const Stretch *s = &g_array_index (stretches, Stretch, i);

        if (fabs (s->rate - median) > FAR_OFF * median)
            continue;
        bytes += s->rate * s->us;
        us += s->us;
    }
    return us > 0 ? bytes / us : 0;
}

static double
rate_from (const GArray *samples, guint first)
{
    g_autoptr (GArray) stretches = g_array_new (FALSE, FALSE, sizeof (Stretch));

    for (guint i = first; i < samples->len; i++) {
        Stretch stretch;

        if (take_stretch (sample_in (samples, i - 1), sample_in (samples, i), &stretch))
            g_array_append_val (stretches, stretch);
    }
    return mean_rate (stretches);
}

/* The first stretch has what fills the socket. */
double
likeness_link (const GArray *samples)
{
    double rate = rate_from (samples, 2);

    return rate > 0 ? rate : rate_from (samples, 1);
}
