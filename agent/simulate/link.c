/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/simulate/link.h"

#include <math.h>
#include <string.h>

#include "agent/comma-list.h"
#include "agent/units.h"

/* A wandering rate forgets where it was in this time. */
#define MEMORY_US (2.0 * G_USEC_PER_SEC)
#define NOISE_US  (100.0 * 1000)

static double
normal (GRand *chance)
{
    double sum = 0;

    for (guint i = 0; i < 12; i++)
        sum += g_rand_double (chance);
    return sum - 6;
}

static double
pause_us (const Link *self, GRand *chance)
{
    return MAX (-log (1 - g_rand_double (chance)) * self->shared_us, 1000);
}

void
link_start (Link *self, GRand *chance)
{
    self->wander = 0;
    self->taken = FALSE;
    self->next_us = self->noise > 0 ? 0 : INFINITY;
    self->next_shared_us = self->shared_us > 0 ? pause_us (self, chance) : INFINITY;
}

double
link_rate (const Link *self, double now_us)
{
    gboolean stepped = self->step_us > 0 && now_us >= self->step_us;
    double rate = stepped ? self->step_bytes_per_s : self->bytes_per_s;

    return MAX (rate * (1 + self->noise * self->wander), rate / 10) * (self->taken ? 0.5 : 1);
}

double
link_next_us (const Link *self, double now_us)
{
    double next = MIN (self->next_us, self->next_shared_us);

    return self->step_us > now_us ? MIN (next, self->step_us) : next;
}

void
link_turn (Link *self, double now_us, GRand *chance)
{
    double keep = exp (-NOISE_US / MEMORY_US);

    while (self->next_us <= now_us) {
        self->wander = keep * self->wander + sqrt (1 - keep * keep) * normal (chance);
        self->next_us += NOISE_US;
    }
    while (self->next_shared_us <= now_us) {
        self->taken = !self->taken;
        self->next_shared_us += pause_us (self, chance);
    }
}

static gboolean
take_step (Link *self, const char *name, const char *value, GError **error)
{
    g_auto (GStrv) parts = g_strsplit (value, "@", 2);
    guint64 rate, us;

    if (!parts[0] || !parts[1]) {
        g_set_error (error, UNITS_ERROR, 0, "%s: '%s' is not RATE@TIME", name, value);
        return FALSE;
    }
    if (!units_parse_rate (name, parts[0], &rate, error) ||
        !units_parse_time (name, parts[1], &us, error))
        return FALSE;
    self->step_bytes_per_s = (double)rate;
    self->step_us = (double)MAX (us, 1);
    return TRUE;
}

static gboolean
take_item (Link *self, const char *name, const char *item, GError **error)
{
    guint64 us;
    guint pct;

    if (g_str_has_prefix (item, "step="))
        return take_step (self, name, item + strlen ("step="), error);
    if (g_str_has_prefix (item, "noise=")) {
        if (!units_parse_percent (name, item + strlen ("noise="), &pct, error))
            return FALSE;
        self->noise = pct / 100.0;
        return TRUE;
    }
    if (g_str_has_prefix (item, "shared=")) {
        if (!units_parse_time (name, item + strlen ("shared="), &us, error))
            return FALSE;
        self->shared_us = (double)us;
        return TRUE;
    }
    g_set_error (error, UNITS_ERROR, 0,
                 "%s: '%s' is none of noise=PCT, step=RATE@TIME, shared=TIME", name, item);
    return FALSE;
}

gboolean
link_parse (Link *self, const char *name, const char *text, GError **error)
{
    g_auto (GStrv) items = comma_list_split (text);
    guint64 rate;

    *self = (Link){ 0 };
    if (!units_parse_rate (name, items[0] ? items[0] : "", &rate, error))
        return FALSE;
    if (rate == UNITS_UNLIMITED || rate == 0) {
        g_set_error (error, UNITS_ERROR, 0, "%s: a link has a rate", name);
        return FALSE;
    }
    self->bytes_per_s = (double)rate;
    for (char **item = items + 1; *item; item++)
        if (!take_item (self, name, *item, error))
            return FALSE;
    return TRUE;
}
