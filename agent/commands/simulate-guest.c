/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is simulated: as it is described on the command line, or as a recorded migration shows it.
 */
#include <stdio.h>

#include "agent/commands/record.h"
#include "agent/commands/simulate-internal.h"
#include "agent/predict/likeness.h"
#include "agent/simulate/machine.h"
#include "qmp/value.h"

/* One that takes longer than this many times its memory's way over the link is stuck. */
#define PATIENCE    20
#define PATIENCE_US (10 * G_TIME_SPAN_MINUTE)

gboolean
simulate_fail (GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    g_set_error_literal (error, UNITS_ERROR, 0, text);
    return FALSE;
}

static json_object *
header (const Simulate *self)
{
    return self->recording.header;
}

static gboolean
take_version (Simulate *self, GError **error)
{
    const char *given = command_value (self->line, "qemu");
    const char *text = given ? given : qmp_peek_string (header (self), "ends.source.version", NULL);
    ThreadSetup *setup = &self->simulation.thread;

    if (text && sscanf (text, "%u.%u", &setup->qemu_major, &setup->qemu_minor) != 2)
        return simulate_fail (error, "--qemu: '%s' is not MAJOR.MINOR", text);
    return TRUE;
}

static gboolean
is_kvm (const Simulate *self)
{
    const char *given = command_value (self->line, "accel");

    return given ? g_strcmp0 (given, "tcg") != 0
                 : g_str_equal (qmp_peek_string (header (self), "accelerator", "kvm"), "kvm");
}

static gboolean
take_machine (Simulate *self, GError **error)
{
    const char *vcpus = command_value (self->line, "vcpus");
    ThreadSetup *setup = &self->simulation.thread;
    guint64 number = qmp_peek_uint (header (self), "vcpus", 4);

    *setup = (ThreadSetup){ .qemu_major = 10, .qemu_minor = 0, .kvm = is_kvm (self) };
    setup->machine = machine_new (setup->kvm, qmp_peek_string (header (self), "uri", NULL));
    if (vcpus && !units_parse_uint ("--vcpus", vcpus, 1, 4096, &number, error))
        return FALSE;
    setup->vcpus = (guint)CLAMP (number, 1, 4096);
    return take_version (self, error);
}

/* --- the guest and its way ------------------------------------------------------------------- */

static gboolean
take_memory (Simulate *self, const Likeness *like, GError **error)
{
    const char *memory = command_value (self->line, "memory");

    self->memory_bytes = like->memory_bytes;
    if (memory && !units_parse_size ("--memory", memory, &self->memory_bytes, error))
        return FALSE;
    if (self->memory_bytes < 1024 * 1024)
        return simulate_fail (error, "--memory: a guest has at least 1 MiB");
    return TRUE;
}

static gboolean
take_link (Simulate *self, const Likeness *like, GError **error)
{
    const char *link = command_value (self->line, "link");

    if (link)
        return link_parse (&self->simulation.link, "--link", link, error);
    self->simulation.link = (Link){ .bytes_per_s = (double)like->link_bytes_per_s };
    return TRUE;
}

static gboolean
take_workload (Simulate *self, const Likeness *like, GError **error)
{
    const char *workload = command_value (self->line, "workload");

    self->terms = g_strdup (workload ? workload : like->terms ? like->terms : "idle");
    return workload_parse (&self->workload, "--workload", self->terms, self->memory_bytes, error);
}

static gboolean
take_guest (Simulate *self, GError **error)
{
    g_auto (Likeness) like = { 0 };
    const char *name = command_arguments (self->line)[0];

    if (!name && (!command_value (self->line, "memory") || !command_value (self->line, "link")))
        return simulate_fail (error, "--memory and --link say what is simulated, or a TRACE");
    if (name && !likeness_take (&like, &self->recording, error)) {
        g_prefix_error (error, "%s: ", name);
        return FALSE;
    }
    return take_memory (self, &like, error) && take_link (self, &like, error) &&
           take_workload (self, &like, error);
}

static gboolean
take_seed (Simulate *self, GError **error)
{
    const char *seed = command_value (self->line, "seed");

    self->simulation.seed = 1;
    return !seed || units_parse_uint ("--seed", seed, 0, G_MAXINT64, &self->simulation.seed, error);
}

static gboolean
take_patience (Simulate *self, GError **error)
{
    const char *text = command_value (self->line, "give-up");
    Simulation *simulation = &self->simulation;
    double once_us = (double)self->memory_bytes / simulation->link.bytes_per_s * G_USEC_PER_SEC;

    simulation->give_up_us = (guint64)MAX (PATIENCE * once_us, PATIENCE_US);
    return !text || units_parse_time ("--give-up", text, &simulation->give_up_us, error);
}

gboolean
simulate_take_guest (Simulate *self, GError **error)
{
    Simulation *simulation = &self->simulation;

    if (!take_machine (self, error) || !take_guest (self, error) || !take_seed (self, error) ||
        !take_patience (self, error))
        return FALSE;
    simulation->workload = &self->workload;
    simulation->thread.busy = self->workload.busy;
    simulation->options = self->options;
    return TRUE;
}

/* --- the limits of the recorded one ---------------------------------------------------------- */

gboolean
simulate_take_limits (Simulate *self, GError **error)
{
    static const char *const limits[] = {
        "bandwidth",    "deadline", "if-stuck", "max-downtime", "max-stall",
        "max-throttle", "postcopy", "throttle", "xbzrle",       NULL
    };
    json_object *given = qmp_peek (header (self), "options");

    for (guint i = 0; limits[i]; i++) {
        const char *text = qmp_peek_string (given, limits[i], NULL);

        if (text && !g_hash_table_contains (self->options->given, limits[i]) &&
            !migrate_options_set (self->options, limits[i], text, error))
            return FALSE;
    }
    return TRUE;
}
