/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/policy.h"

#include <string.h>

#include "agent/steering/policy-exec.h"
#include "agent/steering/policy-internal.h"
#include "agent/steering/policy-keys.h"

struct Policy {
    PolicyLibrary *library;
    struct qmpmig_context context;
    PolicyWords words;
    void *handle; /* NULL before open() and where it failed */
    PolicyWorker *worker;
};

static Policy *
policy_new (PolicyLibrary *library, const struct qmpmig_context *context)
{
    Policy *self = g_new0 (Policy, 1);

    self->library = library;
    policy_words_init (&self->words);
    self->context = *context;
    self->context.size = sizeof self->context;
    self->context.host = &policy_host;
    self->context.host_data = &self->words;
    return self;
}

/* Whether a callback went well; if not, with what the plugin said. */
static gboolean
conclude (Policy *self, gboolean ok, const char *callback, ExitCode code, GError **error)
{
    g_autofree char *text = policy_words_take_error (&self->words, callback);

    return ok || policy_fail (error, code, "policy %s: %s", policy_name (self), text);
}

Policy *
policy_load (const char *name_or_path, const struct qmpmig_context *context, GError **error)
{
    if (strcmp (name_or_path, POLICY_EXEC) != 0)
        return policy_load_or_exec (name_or_path, context, error);
    policy_fail (error, EXIT_USAGE,
                 "policy exec runs a program with our rights; --allow-exec permits it");
    return NULL;
}

Policy *
policy_load_or_exec (const char *name_or_path, const struct qmpmig_context *context, GError **error)
{
    PolicyLibrary *library = policy_library_open (name_or_path, error);
    g_autoptr (Policy) self = library ? policy_new (library, context) : NULL;

    if (!self)
        return NULL;
    self->handle = library->plugin.open (&self->context);
    if (!conclude (self, self->handle != NULL, "open", EXIT_REFUSED, error))
        return NULL;
    self->worker = policy_worker_new (&library->plugin, self->handle, &self->words,
                                      self->context.kind == QMPMIG_KIND_SIMULATED);
    return g_steal_pointer (&self);
}

gboolean
policy_configure (Policy *self, const char *key, const char *value, GError **error)
{
    const struct qmpmig_plugin *plugin = &self->library->plugin;

    if (!policy_keys_check (plugin->config ? plugin->config_help : NULL, plugin->name, key, error))
        return FALSE;
    return conclude (self, plugin->config (self->handle, key, value) == 0, "config", EXIT_USAGE,
                     error);
}

gboolean
policy_complete (Policy *self, GError **error)
{
    const struct qmpmig_plugin *plugin = &self->library->plugin;

    return !plugin->config_complete || conclude (self, plugin->config_complete (self->handle) == 0,
                                                 "config_complete", EXIT_USAGE, error);
}

gboolean
policy_plan (Policy *self, const struct qmpmig_facts *facts, struct qmpmig_plan *ret_plan,
             GError **error)
{
    const struct qmpmig_plugin *plugin = &self->library->plugin;
    struct qmpmig_facts given = *facts;
    struct qmpmig_plan plan;

    given.size = sizeof given;
    policy_default_plan (&plan);
    if (plugin->plan && !conclude (self, plugin->plan (self->handle, &given, &plan) == 0, "plan",
                                   EXIT_REFUSED, error))
        return FALSE;
    policy_sanitise_plan (&plan);
    *ret_plan = plan;
    return TRUE;
}

PolicyAnswer
policy_decide (Policy *self, const struct qmpmig_sample *sample, struct qmpmig_advice *ret_advice,
               char **ret_text)
{
    g_autofree char *text = NULL;
    PolicyAnswer answer;

    policy_default_advice (ret_advice);
    answer = policy_worker_ask (self->worker, sample, ret_advice, &text);
    if (ret_text)
        *ret_text = text ? g_strdup_printf ("policy %s: %s", policy_name (self), text) : NULL;
    return answer;
}

char *
policy_take_log (Policy *self)
{
    char *line;

    g_mutex_lock (&self->words.mutex);
    line = g_queue_pop_head (&self->words.log);
    if (!line && self->words.dropped) {
        line = g_strdup_printf ("%u more lines, not kept", self->words.dropped);
        self->words.dropped = 0;
    }
    g_mutex_unlock (&self->words.mutex);
    return line;
}

const char *
policy_name (const Policy *self)
{
    return self->library->plugin.name;
}

const char *
policy_version (const Policy *self)
{
    return self->library->plugin.version;
}

/* Its thread may touch all of it at any time, and its code has to stay where it is. Kept where a
 * leak checker sees that it is meant. */
static void
leave_alone (Policy *self)
{
    static GMutex mutex;
    static GSList *left;

    g_mutex_lock (&mutex);
    left = g_slist_prepend (left, self);
    g_mutex_unlock (&mutex);
}

void
policy_free (Policy *self)
{
    if (!self)
        return;
    if (self->worker && !policy_worker_free (self->worker)) {
        leave_alone (self);
        return;
    }
    if (self->handle && self->library->plugin.close)
        self->library->plugin.close (self->handle);
    policy_library_close (self->library);
    policy_words_clear (&self->words);
    g_free (self);
}
