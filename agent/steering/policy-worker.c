/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread that does nothing but call decide(), so that a plugin which does not come back holds up
 * nobody. It is made with the first question: a policy that was only looked at has none. A
 * simulation does without: it has all the time there is, and a busy host must not change what comes
 * out. */
#include "agent/steering/policy-internal.h"

typedef enum { WORKER_IDLE, WORKER_ASKED, WORKER_ANSWERED, WORKER_QUIT } WorkerState;

struct PolicyWorker {
    const struct qmpmig_plugin *plugin;
    void *handle;
    PolicyWords *words;
    gboolean at_once; /* in the thread that asks */
    GThread *thread;  /* NULL before the first question */
    GMutex mutex;
    GCond asked, answered;
    WorkerState state;
    gboolean abandoned; /* for good */
    gint64 asked_at_us;
    /* The thread's while ASKED, the asking one's otherwise. */
    struct qmpmig_sample sample;
    struct qmpmig_advice advice;
    int result;
};

PolicyWorker *
policy_worker_new (const struct qmpmig_plugin *plugin, void *handle, PolicyWords *words,
                   gboolean at_once)
{
    PolicyWorker *self = g_new0 (PolicyWorker, 1);

    self->plugin = plugin;
    self->handle = handle;
    self->words = words;
    self->at_once = at_once;
    g_mutex_init (&self->mutex);
    g_cond_init (&self->asked);
    g_cond_init (&self->answered);
    return self;
}

/* --- the thread ------------------------------------------------------------------------------ */

/* Without the mutex: who is woken wants it at once. */
static void
wake (PolicyWorker *self, GCond *who)
{
    g_mutex_unlock (&self->mutex);
    g_cond_signal (who);
    g_mutex_lock (&self->mutex);
}

static gpointer
worker_run (gpointer data)
{
    PolicyWorker *self = data;

    g_mutex_lock (&self->mutex);
    for (;;) {
        while (self->state != WORKER_ASKED && self->state != WORKER_QUIT)
            g_cond_wait (&self->asked, &self->mutex);
        if (self->state == WORKER_QUIT)
            break;
        g_mutex_unlock (&self->mutex);
        self->result = self->plugin->decide (self->handle, &self->sample, &self->advice);
        g_mutex_lock (&self->mutex);
        self->state = WORKER_ANSWERED;
        wake (self, &self->answered);
    }
    g_mutex_unlock (&self->mutex);
    return NULL;
}

/* --- the asking side, with the mutex --------------------------------------------------------- */

static void
take_question (PolicyWorker *self, const struct qmpmig_sample *sample)
{
    self->sample = *sample;
    self->sample.size = sizeof self->sample;
    policy_default_advice (&self->advice);
}

static gboolean
hand_over (PolicyWorker *self, const struct qmpmig_sample *sample)
{
    if (!self->thread)
        self->thread = g_thread_try_new ("policy", worker_run, self, NULL);
    if (!self->thread)
        return FALSE;
    take_question (self, sample);
    self->asked_at_us = g_get_monotonic_time ();
    self->state = WORKER_ASKED;
    wake (self, &self->asked);
    return TRUE;
}

static gboolean
wait_for_answer (PolicyWorker *self, gint64 until_us)
{
    while (self->state == WORKER_ASKED)
        if (!g_cond_wait_until (&self->answered, &self->mutex, until_us))
            break;
    return self->state != WORKER_ASKED;
}

static gboolean
is_silent (const struct qmpmig_advice *advice)
{
    return !advice->set && advice->action == QMPMIG_ACTION_NONE && !advice->reason[0] &&
           advice->verdict == QMPMIG_VERDICT_UNKNOWN;
}

static PolicyAnswer
collect (PolicyWorker *self, struct qmpmig_advice *ret_advice, char **ret_text)
{
    g_autofree char *error = policy_words_take_error (self->words, "decide");

    self->state = WORKER_IDLE;
    if (self->result != 0) {
        *ret_text = g_steal_pointer (&error);
        return POLICY_FAILED;
    }
    *ret_advice = self->advice;
    policy_sanitise_advice (ret_advice);
    return is_silent (ret_advice) ? POLICY_SILENT : POLICY_ADVISED;
}

static PolicyAnswer
still_waiting (PolicyWorker *self, char **ret_text)
{
    gint64 waited_us = g_get_monotonic_time () - self->asked_at_us;

    self->abandoned = self->abandoned || waited_us >= POLICY_ABANDONED_US;
    *ret_text = self->abandoned
                    ? g_strdup_printf ("no answer within %d s; it will not be asked again",
                                       POLICY_ABANDONED_US / 1000000)
                    : g_strdup_printf ("no answer yet after %d ms", (int)(waited_us / 1000));
    return self->abandoned ? POLICY_ABANDONED : POLICY_PENDING;
}

static PolicyAnswer
ask (PolicyWorker *self, const struct qmpmig_sample *sample, struct qmpmig_advice *ret_advice,
     char **ret_text)
{
    if (self->at_once) {
        take_question (self, sample);
        self->result = self->plugin->decide (self->handle, &self->sample, &self->advice);
        return collect (self, ret_advice, ret_text);
    }
    if (self->abandoned)
        return still_waiting (self, ret_text);
    if (self->state == WORKER_IDLE) {
        if (!hand_over (self, sample)) {
            *ret_text = g_strdup ("no thread could be made for it");
            return POLICY_FAILED;
        }
        wait_for_answer (self, self->asked_at_us + POLICY_PATIENCE_US);
    }
    return self->state == WORKER_ANSWERED ? collect (self, ret_advice, ret_text)
                                          : still_waiting (self, ret_text);
}

PolicyAnswer
policy_worker_ask (PolicyWorker *self, const struct qmpmig_sample *sample,
                   struct qmpmig_advice *ret_advice, char **ret_text)
{
    PolicyAnswer answer;

    g_mutex_lock (&self->mutex);
    answer = ask (self, sample, ret_advice, ret_text);
    g_mutex_unlock (&self->mutex);
    return answer;
}

gboolean
policy_worker_free (PolicyWorker *self)
{
    gboolean done;

    g_mutex_lock (&self->mutex);
    done = !self->abandoned && wait_for_answer (self, self->asked_at_us + POLICY_ABANDONED_US);
    self->state = done ? WORKER_QUIT : self->state;
    g_cond_signal (&self->asked);
    g_mutex_unlock (&self->mutex);
    if (!done)
        return FALSE;
    g_clear_pointer (&self->thread, g_thread_join);
    g_cond_clear (&self->asked);
    g_cond_clear (&self->answered);
    g_mutex_clear (&self->mutex);
    g_free (self);
    return TRUE;
}
