/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/steering/policy-internal.h"
#include "agent/units.h"

#define MAX_LINES 100
#define MAX_LINE  1024

void
policy_words_init (PolicyWords *self)
{
    g_mutex_init (&self->mutex);
    g_queue_init (&self->log);
}

void
policy_words_clear (PolicyWords *self)
{
    g_queue_clear_full (&self->log, g_free);
    g_free (self->error);
    g_mutex_clear (&self->mutex);
}

char *
policy_words_take_error (PolicyWords *self, const char *callback)
{
    g_autofree char *error = NULL;

    g_mutex_lock (&self->mutex);
    error = g_steal_pointer (&self->error);
    g_mutex_unlock (&self->mutex);
    return error ? g_steal_pointer (&error)
                 : g_strdup_printf ("%s() failed and does not say why", callback);
}

/* A plugin that passes NULL for its context has nobody to talk to. */
static PolicyWords *
words_of (const struct qmpmig_context *context)
{
    return context ? context->host_data : NULL;
}

static void
host_log (const struct qmpmig_context *context, const char *text)
{
    PolicyWords *words = words_of (context);

    if (!words || !text)
        return;
    g_mutex_lock (&words->mutex);
    if (words->log.length < MAX_LINES)
        g_queue_push_tail (&words->log, policy_clean_text (text, MAX_LINE));
    else
        words->dropped++;
    g_mutex_unlock (&words->mutex);
}

static void
host_error (const struct qmpmig_context *context, const char *text)
{
    PolicyWords *words = words_of (context);

    if (!words || !text)
        return;
    g_mutex_lock (&words->mutex);
    g_free (words->error);
    words->error = policy_clean_text (text, MAX_LINE);
    g_mutex_unlock (&words->mutex);
}

/* --- parsers --------------------------------------------------------------------------------- */

typedef gboolean (*Parse) (const char *name, const char *text, guint64 *ret_value, GError **error);

static int
parse_with (const struct qmpmig_context *context, Parse parse, const char *what, const char *text,
            uint64_t *ret)
{
    g_autoptr (GError) error = NULL;
    guint64 value;

    if (!parse (what ? what : "value", text ? text : "", &value, &error)) {
        host_error (context, error->message);
        return -1;
    }
    *ret = value;
    return 0;
}

static gboolean
parse_whole (const char *name, const char *text, guint64 *ret_value, GError **error)
{
    return units_parse_uint (name, text, 0, QMPMIG_UNKNOWN - 1, ret_value, error);
}

static gboolean
parse_switch (const char *name, const char *text, guint64 *ret_value, GError **error)
{
    gboolean value;

    if (!units_parse_bool (name, text, &value, error))
        return FALSE;
    *ret_value = value ? 1 : 0;
    return TRUE;
}

static gboolean
parse_pct (const char *name, const char *text, guint64 *ret_value, GError **error)
{
    guint value;

    if (!units_parse_percent (name, text, &value, error))
        return FALSE;
    *ret_value = value;
    return TRUE;
}

/* "unlimited" is 0 in the header, which nothing else may become. */
static gboolean
parse_bandwidth (const char *name, const char *text, guint64 *ret_value, GError **error)
{
    guint64 value;

    if (!units_parse_rate (name, text, &value, error))
        return FALSE;
    if (value == 0) {
        g_set_error (error, UNITS_ERROR, 0, "%s: %s would never end; write unlimited for no limit",
                     name, text);
        return FALSE;
    }
    *ret_value = value == UNITS_UNLIMITED ? 0 : value;
    return TRUE;
}

#define HOST_PARSER(function, parse)                                                               \
    static int function (const struct qmpmig_context *context, const char *what, const char *text, \
                         uint64_t *ret)                                                            \
    {                                                                                              \
        return parse_with (context, parse, what, text, ret);                                       \
    }

HOST_PARSER (host_parse_uint, parse_whole)
HOST_PARSER (host_parse_bool, parse_switch)
HOST_PARSER (host_parse_percent, parse_pct)
HOST_PARSER (host_parse_time, units_parse_time)
HOST_PARSER (host_parse_size, units_parse_size)
HOST_PARSER (host_parse_rate, parse_bandwidth)

const struct qmpmig_host policy_host = {
    .size = sizeof (struct qmpmig_host),
    .log = host_log,
    .error = host_error,
    .parse_uint = host_parse_uint,
    .parse_bool = host_parse_bool,
    .parse_percent = host_parse_percent,
    .parse_time = host_parse_time,
    .parse_size = host_parse_size,
    .parse_rate = host_parse_rate,
};
