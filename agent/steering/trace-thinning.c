/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/trace-thinning.h"

#include "agent/units.h"
#include "qmp/value.h"

#define MIB          (1024 * 1024)
#define MAX_HALVINGS 62

const TraceBounds trace_bounds = {
    .from_bytes = 32 * MIB,
    .step_bytes = 3 * MIB,
    .max_bytes = 64 * MIB,
    .reserve_bytes = 1 * MIB,
};

void
trace_thinning_init (TraceThinning *self, const TraceBounds *bounds, guint64 bytes)
{
    *self = (TraceThinning){ .bounds = bounds, .bytes = bytes, .every = 1 };
}

void
trace_thinning_clear (TraceThinning *self)
{
    g_clear_pointer (&self->status, g_free);
}

static guint64
every_at (const TraceBounds *bounds, guint64 bytes)
{
    if (bytes < bounds->from_bytes)
        return 1;
    return 2ull << MIN ((bytes - bounds->from_bytes) / bounds->step_bytes, MAX_HALVINGS);
}

/* A change of status is an event of its own. */
static gboolean
has_new_status (TraceThinning *self, json_object *sample)
{
    const char *status = qmp_peek_string (sample, "status", "");

    if (g_strcmp0 (status, self->status) == 0)
        return FALSE;
    g_free (self->status);
    self->status = g_strdup (status);
    return TRUE;
}

static gboolean
takes_sample (TraceThinning *self, json_object *sample)
{
    guint64 number = self->samples++;

    return has_new_status (self, sample) || number % self->every == 0;
}

static char *
thin_more (TraceThinning *self)
{
    guint64 every = every_at (self->bounds, self->bytes);
    g_autofree char *size = NULL;

    if (every == self->every)
        return NULL;
    self->every = every;
    size = units_format_size (self->bytes);
    return g_strdup_printf ("the trace has grown to %s: from here on one of %" G_GUINT64_FORMAT
                            " samples is kept",
                            size, every);
}

static gboolean
has_room (const TraceThinning *self, gsize length)
{
    return self->bytes + length + self->bounds->reserve_bytes <= self->bounds->max_bytes;
}

gboolean
trace_thinning_takes (TraceThinning *self, json_object *line, gsize length, char **ret_notice)
{
    const char *type = qmp_peek_string (line, "type", "");

    *ret_notice = NULL;
    if (g_str_equal (type, "result"))
        return TRUE;
    if (self->full)
        return FALSE;
    if (!has_room (self, length)) {
        self->full = TRUE;
        *ret_notice = g_strdup ("the trace is full: nothing but the result comes behind this");
        return FALSE;
    }
    if (!g_str_equal (type, "sample"))
        return TRUE;
    *ret_notice = thin_more (self);
    return takes_sample (self, line);
}
