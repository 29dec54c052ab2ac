/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What refuses a migration before anything is touched. */
#include "agent/migration/error.h"
#include "agent/migration/plan-internal.h"

static const char *const unsafe_items[] = { "machine-type", NULL };

static gboolean
check_unsafe_items (const Planner *p, GError **error)
{
    for (guint i = 0; p->options->unsafe && p->options->unsafe[i]; i++)
        if (!g_strv_contains (unsafe_items, p->options->unsafe[i]))
            return migrate_fail (error, EXIT_USAGE,
                                 "--unsafe: nothing is called \"%s\"; known: machine-type",
                                 p->options->unsafe[i]);
    return TRUE;
}

static gboolean
check_blockers (const Vm *source, GError **error)
{
    g_autoptr (GString) reasons = g_string_new (NULL);

    if (!json_object_is_type (source->blocked, json_type_array) ||
        json_object_array_length (source->blocked) == 0)
        return TRUE;
    for (gsize i = 0; i < json_object_array_length (source->blocked); i++)
        g_string_append_printf (
            reasons, "%s%s", i ? "; " : "",
            json_object_get_string (json_object_array_get_idx (source->blocked, i)));
    return migrate_fail (error, EXIT_REFUSED, "source: QEMU says that %s cannot be migrated: %s",
                         vm_title (source), reasons->str);
}

static gboolean
check_source (const Planner *p, GError **error)
{
    const Vm *vm = p->source;

    if (!vm)
        return TRUE;
    if (status_is_running (vm->status) && !vm_is_incoming (vm))
        return migrate_fail (error, EXIT_REFUSED,
                             "source: a migration of %s is running already (status %s): `qmpmig "
                             "--socket %s status` shows it, `recover` takes it over if the qmpmig "
                             "that started it is gone",
                             vm_title (vm), vm->status_text, vm->address->text);
    if (vm_is_incoming (vm))
        return migrate_fail (error, EXIT_REFUSED,
                             "source: %s is itself waiting for a guest (run state inmigrate): are "
                             "the two sockets swapped?",
                             vm_title (vm));
    if (g_strcmp0 (vm->run_state, "postmigrate") == 0)
        return migrate_fail (error, EXIT_REFUSED,
                             "source: %s was moved away before (run state postmigrate): what this "
                             "QEMU holds is the copy that was left behind",
                             vm_title (vm));
    return check_blockers (vm, error);
}

/* Where the stream is somebody else's to open, QEMU takes it for a guest's arrival at once. */
static gboolean
is_opened_elsewhere (const MigrationUri *uri)
{
    return uri->kind == URI_FD || uri->kind == URI_EXEC;
}

static gboolean
check_destination (const Planner *p, GError **error)
{
    const Vm *vm = p->destination;

    if (!vm)
        return TRUE;
    if (migration_uri_is_storage (p->uri))
        return migrate_fail (error, EXIT_USAGE,
                             "%s: a file has no destination: leave --dest-socket out",
                             p->uri->text);
    if (!vm_is_incoming (vm))
        return migrate_fail (error, EXIT_REFUSED,
                             "destination: QEMU does not wait for a guest (run state %s): start it "
                             "with -S -incoming defer",
                             vm->run_state);
    if (vm->status == STATUS_FAILED)
        return migrate_fail (error, EXIT_REFUSED,
                             "destination: an earlier migration into this QEMU failed, and it "
                             "cannot take another: start a new one");
    if (vm->status != STATUS_NONE && vm->status != STATUS_SETUP &&
        !(vm->status == STATUS_ACTIVE && is_opened_elsewhere (p->uri)))
        return migrate_fail (error, EXIT_REFUSED,
                             "destination: a guest is arriving there already (status %s)",
                             vm->status_text);
    return TRUE;
}

/* file: came with 8.2, and so did this parameter. */
static gboolean
check_file (const Planner *p, GError **error)
{
    if (p->uri->kind != URI_FILE || !p->source ||
        vm_takes_parameter (p->source, "avail-switchover-bandwidth"))
        return TRUE;
    return migrate_fail (error, EXIT_REFUSED,
                         "source: QEMU %s there has no file: URIs; they came with QEMU 8.2",
                         p->source->version);
}

/* What a command or an inherited descriptor leads to is not ours to set up over there. */
static gboolean
check_listener (const Planner *p, GError **error)
{
    if (!planner_is_two_ended (p) || p->destination->status != STATUS_NONE ||
        !is_opened_elsewhere (p->uri))
        return TRUE;
    return migrate_fail (error, EXIT_REFUSED,
                         "destination: %s does not say where it has to listen: make it listen "
                         "first (`qmpmig incoming`, or -incoming URI on its command line)",
                         p->uri->text);
}

static gboolean
is_unsafe_allowed (const Planner *p, const char *item)
{
    return p->options->unsafe && g_strv_contains ((const char *const *)p->options->unsafe, item);
}

/* The same monitor was refused before we got here; the same QEMU by two monitors is caught by its
 * run state. */
static gboolean
check_pair (const Planner *p, GError **error)
{
    const Vm *s = p->source, *d = p->destination;
    g_autofree char *have = NULL;
    g_autofree char *want = NULL;

    if (!planner_is_two_ended (p))
        return TRUE;
    if (s->machine && d->machine && !g_str_equal (s->machine, d->machine)) {
        if (!is_unsafe_allowed (p, "machine-type"))
            return migrate_fail (error, EXIT_REFUSED,
                                 "machine types differ: the source has %s (QEMU %s), the "
                                 "destination %s (QEMU %s): start the destination with -machine %s",
                                 s->machine, s->version, d->machine, d->version, s->machine);
        plan_warn (p->plan, "machine types differ (%s, %s); --unsafe machine-type lets it pass",
                   s->machine, d->machine);
    }
    if (s->ram_bytes == d->ram_bytes || !s->ram_bytes || !d->ram_bytes)
        return TRUE;
    want = units_format_size (s->ram_bytes);
    have = units_format_size (d->ram_bytes);
    return migrate_fail (error, EXIT_REFUSED,
                         "memory sizes differ: the source has %s, the destination %s: start the "
                         "destination with -m %" G_GUINT64_FORMAT "k",
                         want, have, s->ram_bytes / 1024);
}

gboolean
plan_check_ends (const Planner *p, GError **error)
{
    return check_unsafe_items (p, error) && check_source (p, error) &&
           check_destination (p, error) && check_pair (p, error) && check_file (p, error) &&
           check_listener (p, error);
}
