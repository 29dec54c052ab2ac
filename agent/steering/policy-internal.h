/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of policy.h share. */
#pragma once

#include "agent/exit-code.h"
#include "agent/steering/policy-library.h"
#include "agent/steering/policy.h"

/* FALSE, so that a failure is one line. */
gboolean policy_fail (GError **error, ExitCode code, const char *format, ...) G_GNUC_PRINTF (3, 4);

gboolean policy_place_is_name (const char *name);

/* --- policy-host.c: what qmpmig offers to the plugin ------------------------------------------ */

/* What the plugin said; it may say it from either thread. */
typedef struct {
    GMutex mutex;
    GQueue log;
    guint dropped; /* log lines beyond what is kept */
    char *error;   /* why the callback that runs is about to return -1 */
} PolicyWords;

extern const struct qmpmig_host policy_host;

void policy_words_init (PolicyWords *self);
void policy_words_clear (PolicyWords *self);
/* What it said of its failure in CALLBACK, or that it said nothing; the caller's. */
char *policy_words_take_error (PolicyWords *self, const char *callback);

/* --- policy-worker.c: the thread that asks ---------------------------------------------------- */

typedef struct PolicyWorker PolicyWorker;

PolicyWorker *policy_worker_new (const struct qmpmig_plugin *plugin, void *handle,
                                 PolicyWords *words, gboolean at_once);
PolicyAnswer policy_worker_ask (PolicyWorker *self, const struct qmpmig_sample *sample,
                                struct qmpmig_advice *ret_advice, char **ret_text);
/* FALSE: the thread is still in the plugin, where it is left, with all that it was given. */
gboolean policy_worker_free (PolicyWorker *self);

/* --- policy-answer.c: making what a plugin wrote harmless --------------------------------------
 */

void policy_sanitise_advice (struct qmpmig_advice *advice);
void policy_sanitise_plan (struct qmpmig_plan *plan);
/* Valid UTF-8 on one line without control characters, at most SIZE - 1 bytes, cut at a character.
 */
char *policy_clean_text (const char *text, gsize size);
