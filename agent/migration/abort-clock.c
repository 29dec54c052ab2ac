/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/abort-clock.h"

#include "agent/units.h"

/* VDSM looks so often, and takes no more than one step of its schedule at a time. */
#define VDSM_LOOK_US (10 * (guint64)G_TIME_SPAN_SECOND)
/* Its policies give up at the eighth pass, or the ninth. */
#define VDSM_PASSES     8
#define NOVA_US_PER_GIB (800 * (guint64)G_TIME_SPAN_SECOND)
#define NOVA_LEAST_GIB  2

G_DEFINE_QUARK (qmpmig - abort - clock - error, abort_clock_error)

static gboolean
parse_passes (const char *text, AbortClock *ret_clock, GError **error)
{
    guint64 passes = VDSM_PASSES;

    if (text && !units_parse_uint ("abort", text, 1, 10000, &passes, error))
        return FALSE;
    *ret_clock = (AbortClock){ .kind = ABORT_PASSES, .passes = (guint)passes };
    return TRUE;
}

static gboolean
parse_time (const char *text, AbortClock *ret_clock, GError **error)
{
    guint64 us = NOVA_US_PER_GIB;

    if (text && !units_parse_time ("abort", text, &us, error))
        return FALSE;
    *ret_clock = (AbortClock){ .kind = ABORT_TIME_PER_GIB, .us_per_gib = us };
    return TRUE;
}

gboolean
abort_clock_parse (const char *text, AbortClock *ret_clock, GError **error)
{
    g_auto (GStrv) parts = g_strsplit (text, ":", 2);
    const char *kind = parts[0] ? parts[0] : "";

    if (g_str_equal (kind, "vdsm"))
        return parse_passes (parts[1], ret_clock, error);
    if (g_str_equal (kind, "nova"))
        return parse_time (parts[1], ret_clock, error);
    if (g_str_equal (text, "none")) {
        *ret_clock = (AbortClock){ .kind = ABORT_NONE };
        return TRUE;
    }
    g_set_error (error, ABORT_CLOCK_ERROR, 0,
                 "abort: '%s' is not none, vdsm, vdsm:PASSES, nova or nova:TIME", text);
    return FALSE;
}

/* It counts from the pass that it sees at its first look, and one pass a look at most. */
static guint64
passes_left_us (const AbortClock *self, guint64 syncs, guint64 elapsed_us)
{
    guint64 looks = elapsed_us / VDSM_LOOK_US;
    guint64 counted = MIN (syncs > 0 ? syncs - 1 : 0, looks > 0 ? looks - 1 : 0);
    guint64 pass_us = MAX (syncs > 0 ? elapsed_us / syncs : 0, VDSM_LOOK_US);
    guint64 since_us = elapsed_us % VDSM_LOOK_US;

    if (counted >= self->passes)
        return 0;
    return (self->passes - counted) * pass_us - since_us;
}

static guint64
time_left_us (const AbortClock *self, guint64 ram_bytes, guint64 elapsed_us)
{
    guint64 gib = MAX ((ram_bytes + (1 << 30) - 1) >> 30, NOVA_LEAST_GIB);
    guint64 limit_us = gib * self->us_per_gib;

    return limit_us > elapsed_us ? limit_us - elapsed_us : 0;
}

guint64
abort_clock_left_us (const AbortClock *self, guint64 ram_bytes, guint64 syncs, guint64 elapsed_us)
{
    switch (self->kind) {
    case ABORT_NONE:
        return G_MAXUINT64;
    case ABORT_PASSES:
        return passes_left_us (self, syncs == G_MAXUINT64 ? 0 : syncs, elapsed_us);
    case ABORT_TIME_PER_GIB:
        return time_left_us (self, ram_bytes, elapsed_us);
    }
    return G_MAXUINT64;
}
