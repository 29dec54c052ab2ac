/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/policy-exec.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/steering/policy-exec-child.h"
#include "agent/steering/policy-exec-line.h"
#include "agent/trust.h"

#define MISSES          3 /* answers that do not come, one after the other: it hangs */
#define PATIENCE_US     500000
#define MIN_PATIENCE_US 10000
#define MAX_PATIENCE_US 800000 /* who is asked for a second is not asked again: policy.h */
#define MAX_COMPLAINTS  100    /* lines of stderr, for each sample */

typedef struct {
    const struct qmpmig_context *context;
    char *command; /* without symbolic links */
    char **argv;   /* COMMAND first, NULL-terminated */
    char **words;  /* of args=; may be NULL */
    guint64 patience_us, restarts;
    ExecChild *child; /* NULL: to be started */
    guint64 faults, misses;
} PolicyExec;

static int
fail (const PolicyExec *self, const char *text)
{
    self->context->host->error (self->context, text);
    return -1;
}

static void *
exec_open (const struct qmpmig_context *context)
{
    PolicyExec *self = g_new0 (PolicyExec, 1);

    self->context = context;
    self->patience_us = PATIENCE_US;
    self->restarts = 3;
    return self;
}

static void
exec_close (void *handle)
{
    PolicyExec *self = handle;

    exec_child_end (self->child, TRUE);
    g_free (self->argv);
    g_strfreev (self->words);
    free (self->command);
    g_free (self);
}

/* --- options --------------------------------------------------------------------------------- */

static int
take_command (PolicyExec *self, const char *path)
{
    g_autoptr (GError) error = NULL;

    if (!g_path_is_absolute (path))
        return fail (self, "command is no absolute path");
    free (self->command);
    self->command = trust_resolve (path, geteuid (), &error);
    return self->command ? 0 : fail (self, error->message);
}

static int
take_args (PolicyExec *self, const char *text)
{
    g_autoptr (GError) error = NULL;

    g_clear_pointer (&self->words, g_strfreev);
    if (g_shell_parse_argv (text, NULL, &self->words, &error) ||
        g_error_matches (error, G_SHELL_ERROR, G_SHELL_ERROR_EMPTY_STRING))
        return 0;
    return fail (self, error->message);
}

static int
exec_config (void *handle, const char *key, const char *value)
{
    PolicyExec *self = handle;
    const struct qmpmig_host *host = self->context->host;

    if (!strcmp (key, "command"))
        return take_command (self, value);
    if (!strcmp (key, "args"))
        return take_args (self, value);
    if (!strcmp (key, "patience"))
        return host->parse_time (self->context, key, value, &self->patience_us);
    return host->parse_uint (self->context, key, value, &self->restarts);
}

/* --- the program ----------------------------------------------------------------------------- */

/* One that ends at once is found out by the first sample, whether or not it was quicker than us. */
static gboolean
start (PolicyExec *self, GError **error)
{
    g_autofree char *header = exec_line_header (self->context);

    self->misses = 0;
    self->child = exec_child_start (self->argv, error);
    if (self->child)
        exec_child_send (self->child, header, g_get_monotonic_time () + (gint64)self->patience_us,
                         NULL);
    return self->child != NULL;
}

static void
make_argv (PolicyExec *self)
{
    guint count = self->words ? g_strv_length (self->words) : 0;

    self->argv = g_new0 (char *, count + 2);
    self->argv[0] = self->command;
    for (guint i = 0; i < count; i++)
        self->argv[i + 1] = self->words[i];
}

static int
exec_config_complete (void *handle)
{
    PolicyExec *self = handle;
    g_autoptr (GError) error = NULL;

    if (!self->command)
        return fail (self, "command=PATH is missing: the program to be asked");
    if (self->patience_us < MIN_PATIENCE_US || self->patience_us > MAX_PATIENCE_US)
        return fail (self, "patience is not between 10ms and 800ms");
    make_argv (self);
    return start (self, &error) ? 0 : fail (self, error->message);
}

/* What it has to complain of goes to the record. */
static void
hear (PolicyExec *self)
{
    char *line;

    for (guint i = 0; i < MAX_COMPLAINTS && (line = exec_child_take_complaint (self->child)); i++) {
        self->context->host->log (self->context, line);
        g_free (line);
    }
}

/* It is ended, and begins anew with the next sample, unless that was often enough. */
static int
give_up (PolicyExec *self, const char *why)
{
    g_autofree char *text = NULL;

    if (self->child)
        hear (self);
    exec_child_end (self->child, FALSE);
    self->child = NULL;
    self->faults++;
    if (self->faults > self->restarts) {
        text = g_strdup_printf ("%s: %s", self->command, why);
        return fail (self, text);
    }
    text = g_strdup_printf ("%s: %s; it is started again (%" G_GUINT64_FORMAT
                            " of %" G_GUINT64_FORMAT ")",
                            self->command, why, self->faults, self->restarts);
    self->context->host->log (self->context, text);
    return 0;
}

/* --- asking ---------------------------------------------------------------------------------- */

/* An answer to an earlier sample came too late, and is passed over. */
static gboolean
listen_for (PolicyExec *self, guint64 sequence, gint64 until_us, struct qmpmig_advice *advice,
            gboolean *ret_late, GError **error)
{
    guint64 answered;

    *ret_late = FALSE;
    for (;;) {
        g_autoptr (GError) inner = NULL;
        g_autofree char *line = exec_child_take_line (self->child, until_us, &inner);
        struct qmpmig_advice said;

        *ret_late = !line && !inner;
        if (*ret_late)
            return TRUE;
        if (!line || !exec_line_advice (line, &answered, &said, &inner)) {
            g_propagate_error (error, g_steal_pointer (&inner));
            return FALSE;
        }
        if (answered == sequence) {
            *advice = said;
            return TRUE;
        }
    }
}

static int
miss (PolicyExec *self)
{
    g_autofree char *text = NULL;

    if (++self->misses >= MISSES)
        return give_up (self, "no answer to three samples, one after the other");
    text = g_strdup_printf ("%s: no answer within %d ms", self->command,
                            (int)(self->patience_us / 1000));
    self->context->host->log (self->context, text);
    return 0;
}

static gboolean
ask (PolicyExec *self, const struct qmpmig_sample *sample, struct qmpmig_advice *advice,
     gboolean *ret_late, GError **error)
{
    gint64 until_us = g_get_monotonic_time () + (gint64)self->patience_us;
    g_autofree char *line = exec_line_sample (sample);

    return (self->child || start (self, error)) &&
           exec_child_send (self->child, line, until_us, error) &&
           listen_for (self, sample->sequence, until_us, advice, ret_late, error);
}

static int
exec_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    PolicyExec *self = handle;
    g_autoptr (GError) error = NULL;
    gboolean late;

    if (!ask (self, sample, advice, &late, &error))
        return give_up (self, error->message);
    hear (self);
    if (late)
        return miss (self);
    self->misses = 0;
    return 0;
}

const struct qmpmig_plugin policy_exec_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = POLICY_EXEC,
    .version = "1",
    .description = "asks a program of yours, in JSON lines; needs --allow-exec",
    .config_help = "command=  its absolute path\n"
                   "args=  its arguments, quoted as for a shell\n"
                   "patience=500ms  for each answer\n"
                   "restarts=3  so often after it hung, died or made no sense",
    .open = exec_open,
    .config = exec_config,
    .config_complete = exec_config_complete,
    .decide = exec_decide,
    .close = exec_close,
};
