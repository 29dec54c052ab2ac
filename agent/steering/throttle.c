/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The throttle handle: any throttle at QEMU's next look that counts, through auto-converge. QEMU
 * acts at every second look that finds more dirtied than its threshold, of those at least a second
 * after the last such look; two counts for a command would be two seconds. So the first is taken in
 * advance, with what would come of a second one parked at 1 %, and then nothing is let count. */
#include "agent/steering/helm.h"
#include "qmp/value.h"

/* Percent of what was sent: any writing at all counts, or only what the link cannot follow. */
#define ANY_WRITING      1
#define OVERFLOWING_ONLY 100

/* QEMU sets exactly p at its next trigger, up or down, when one increment spans everything and the
 * maximum is p. Its first trigger takes the initial value instead. It has no 0. */
void
helm_add_throttle (json_object *arguments, guint pct)
{
    int p = (int)MAX (pct, 1);

    json_object_object_add (arguments, "throttle-trigger-threshold",
                            json_object_new_int (ANY_WRITING));
    json_object_object_add (arguments, "cpu-throttle-initial", json_object_new_int (p));
    json_object_object_add (arguments, "cpu-throttle-increment", json_object_new_int (99));
    json_object_object_add (arguments, "max-cpu-throttle", json_object_new_int (p));
}

void
helm_note_throttle (Helm *self, Tracker *tracker, guint pct)
{
    tracker->throttle_commanded_pct = MAX (pct, 1);
    self->primer.stage = PRIMER_DONE;
}

static gboolean
set_threshold (const HelmShip *ship, gpointer data, int pct, GError **error)
{
    return ship->apply (data,
                        qmp_object ("throttle-trigger-threshold", json_object_new_int (pct), NULL),
                        NULL, error);
}

/* Only a look that counts makes QEMU tell another rate of dirty pages. */
static gboolean
has_counted (ThrottlePrimer *self, const Sample *s)
{
    guint64 rate = s->dirty_bytes_per_s == SAMPLE_UNKNOWN ? 0 : s->dirty_bytes_per_s;
    gboolean counted = rate != self->rate;

    self->rate = rate;
    return counted;
}

/* QEMU has parked, because the link could not follow: it counts from none again. Only the first
 * time can be seen. */
static gboolean
was_used_up (ThrottlePrimer *self, const Sample *s)
{
    gboolean parked = s->throttle_pct == 1 && !self->was_parked;

    self->was_parked |= parked;
    return parked;
}

/* From the first look on: the end of the first pass is the one that is taken in advance. */
gboolean
helm_prime_throttle (Helm *self, const Tracker *tracker, const HelmShip *ship, gpointer data,
                     GError **error)
{
    gboolean counted = has_counted (&self->primer, &tracker->last);

    if (!self->steers_throttle)
        return TRUE;
    switch (self->primer.stage) {
    case PRIMER_PARKED:
        self->primer.stage = PRIMER_COUNTING;
        return set_threshold (ship, data, ANY_WRITING, error);
    case PRIMER_COUNTING:
        if (!counted)
            return TRUE;
        self->primer.stage = PRIMER_READY;
        return set_threshold (ship, data, OVERFLOWING_ONLY, error);
    case PRIMER_READY:
        if (!was_used_up (&self->primer, &tracker->last))
            return TRUE;
        self->primer.stage = PRIMER_COUNTING;
        return set_threshold (ship, data, ANY_WRITING, error);
    case PRIMER_DONE:
        return TRUE;
    }
    return TRUE;
}
