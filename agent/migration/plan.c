/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/plan-internal.h"
#include "qmp/value.h"

static void
plan_capability_free (PlanCapability *self)
{
    g_free (self->name);
    g_free (self->reason);
    g_free (self);
}

static void
plan_parameter_free (PlanParameter *self)
{
    json_object_put (self->value);
    json_object_put (self->before);
    g_free (self->name);
    g_free (self->reason);
    g_free (self);
}

void
plan_free (Plan *self)
{
    if (!self)
        return;
    g_ptr_array_unref (self->capabilities);
    g_ptr_array_unref (self->parameters);
    g_ptr_array_unref (self->warnings);
    g_free (self);
}

static gboolean
wants_multifd (const MigrateOptions *options)
{
    for (guint i = 0; i < options->capabilities->len; i++) {
        const NamedValue *cap = g_ptr_array_index (options->capabilities, i);

        if (g_str_equal (cap->name, "multifd"))
            return TRUE;
    }
    return options->multifd_channels > 0 || options->zero_copy ||
           ((options->armed.set & QMPMIG_PLAN_MULTIFD) && options->armed.multifd_channels > 0);
}

gboolean
plan_needs_schema (const MigrateOptions *options, const Vm *vm)
{
    for (guint i = 0; i < options->parameters->len; i++) {
        const NamedValue *param = g_ptr_array_index (options->parameters, i);

        if (!vm_takes_parameter (vm, param->name))
            return TRUE;
    }
    return options->compress_method ||
           (options->postcopy != POSTCOPY_NEVER && wants_multifd (options));
}

Plan *
plan_new (const MigrateOptions *options, const MigrationUri *uri, const Vm *source,
          const Vm *destination, GError **error)
{
    g_autoptr (Plan) self = g_new0 (Plan, 1);
    Planner planner = { self, options, uri, source, destination };

    self->capabilities = g_ptr_array_new_with_free_func ((GDestroyNotify)plan_capability_free);
    self->parameters = g_ptr_array_new_with_free_func ((GDestroyNotify)plan_parameter_free);
    self->warnings = g_ptr_array_new_with_free_func (g_free);
    if (!plan_check_ends (&planner, error) || !plan_choose_capabilities (&planner, error) ||
        !plan_choose_parameters (&planner, error))
        return NULL;
    return g_steal_pointer (&self);
}

void
plan_warn (Plan *plan, const char *format, ...)
{
    va_list args;

    va_start (args, format);
    g_ptr_array_add (plan->warnings, g_strdup_vprintf (format, args));
    va_end (args);
}

const Vm *
planner_vm (const Planner *p, End end)
{
    return end == END_SOURCE ? p->source : p->destination;
}

gboolean
planner_is_two_ended (const Planner *p)
{
    return p->source && p->destination;
}

gboolean
planner_both_report (const Planner *p, const char *capability)
{
    return planner_is_two_ended (p) && vm_reports (p->source, capability) &&
           vm_reports (p->destination, capability);
}

gboolean
plan_capability (const Plan *self, End end, const char *name)
{
    for (guint i = 0; i < self->capabilities->len; i++) {
        const PlanCapability *c = g_ptr_array_index (self->capabilities, i);

        if (c->end == end && g_str_equal (c->name, name))
            return c->value;
    }
    return FALSE;
}

json_object *
plan_capability_arguments (const Plan *self, End end, gboolean before)
{
    g_autoptr (json_object) list = json_object_new_array ();

    for (guint i = 0; i < self->capabilities->len; i++) {
        const PlanCapability *c = g_ptr_array_index (self->capabilities, i);

        if (c->end != end || c->value == c->before)
            continue;
        json_object_array_add (
            list, qmp_object ("capability", json_object_new_string (c->name), "state",
                              json_object_new_boolean (before ? c->before : c->value), NULL));
    }
    if (json_object_array_length (list) == 0)
        return NULL;
    return qmp_object ("capabilities", g_steal_pointer (&list), NULL);
}

gboolean
planner_is_armed (const Planner *p, guint64 bit)
{
    return (p->options->armed.set & bit) != 0;
}

ThrottleMode
planner_throttle (const Planner *p)
{
    if (p->options->throttle != THROTTLE_STEER || !planner_is_armed (p, QMPMIG_PLAN_THROTTLE))
        return p->options->throttle;
    switch ((enum qmpmig_throttle)p->options->armed.throttle) {
    case QMPMIG_THROTTLE_NONE:
        return THROTTLE_OFF;
    case QMPMIG_THROTTLE_RAMP:
        return THROTTLE_RAMP;
    case QMPMIG_THROTTLE_STEERED:
    case QMPMIG_THROTTLE_DIRTY_LIMIT: /* needs KVM's dirty ring; the throttle stands in */
        return THROTTLE_STEER;
    }
    return THROTTLE_STEER;
}

json_object *
plan_parameter_arguments (const Plan *self, End end, gboolean before)
{
    g_autoptr (json_object) set = json_object_new_object ();

    for (guint i = 0; i < self->parameters->len; i++) {
        const PlanParameter *p = g_ptr_array_index (self->parameters, i);

        if (p->end != end || (p->before && json_object_equal (p->value, p->before)))
            continue;
        if (!before)
            json_object_object_add (set, p->name, json_object_get (p->value));
        else if (p->before)
            json_object_object_add (set, p->name, json_object_get (p->before));
        else if (json_object_is_type (p->value, json_type_string)) /* an empty one unsets it */
            json_object_object_add (set, p->name, json_object_new_string (""));
    }
    return json_object_object_length (set) > 0 ? g_steal_pointer (&set) : NULL;
}

static json_object *
capability_to_json (const PlanCapability *c)
{
    return qmp_object (
        "end", json_object_new_string (end_name (c->end)), "name", json_object_new_string (c->name),
        "value", json_object_new_boolean (c->value), "before", json_object_new_boolean (c->before),
        "reason", json_object_new_string (c->reason), NULL);
}

static json_object *
parameter_to_json (const PlanParameter *p)
{
    json_object *json = qmp_object (
        "end", json_object_new_string (end_name (p->end)), "name", json_object_new_string (p->name),
        "value", json_object_get (p->value), "reason", json_object_new_string (p->reason), NULL);

    if (p->before)
        json_object_object_add (json, "before", json_object_get (p->before));
    return json;
}

json_object *
plan_to_json (const Plan *self, gboolean dry_run)
{
    static const char *const modes[] = { "auto", "fallback", "now", "never" };
    json_object *capabilities = json_object_new_array ();
    json_object *parameters = json_object_new_array ();
    json_object *warnings = json_object_new_array ();

    for (guint i = 0; i < self->capabilities->len; i++)
        json_object_array_add (capabilities,
                               capability_to_json (g_ptr_array_index (self->capabilities, i)));
    for (guint i = 0; i < self->parameters->len; i++)
        json_object_array_add (parameters,
                               parameter_to_json (g_ptr_array_index (self->parameters, i)));
    for (guint i = 0; i < self->warnings->len; i++)
        json_object_array_add (warnings,
                               json_object_new_string (g_ptr_array_index (self->warnings, i)));
    return qmp_object ("capabilities", capabilities, "parameters", parameters, "warnings", warnings,
                       "postcopy", json_object_new_string (modes[self->postcopy]), "dry_run",
                       json_object_new_boolean (dry_run), NULL);
}
