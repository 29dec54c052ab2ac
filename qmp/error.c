/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/error.h"

typedef struct {
    char *command;
    char *class;
    char *desc;
} QmpErrorPrivate;

static void
qmp_error_private_init (QmpErrorPrivate *self)
{
    *self = (QmpErrorPrivate){ 0 };
}

static void
qmp_error_private_copy (const QmpErrorPrivate *from, QmpErrorPrivate *to)
{
    to->command = g_strdup (from->command);
    to->class = g_strdup (from->class);
    to->desc = g_strdup (from->desc);
}

static void
qmp_error_private_clear (QmpErrorPrivate *self)
{
    g_free (self->command);
    g_free (self->class);
    g_free (self->desc);
}

G_DEFINE_EXTENDED_ERROR (QmpError, qmp_error)

gboolean
qmp_fail (GError **error, QmpError code, const char *format, ...)
{
    va_list arguments;

    va_start (arguments, format);
    g_propagate_error (error, g_error_new_valist (QMP_ERROR, (int)code, format, arguments));
    va_end (arguments);
    return FALSE;
}

gboolean
qmp_fail_refused (GError **error, const char *command, const char *class, const char *desc)
{
    g_autoptr (GError) refusal =
        g_error_new (QMP_ERROR, QMP_ERROR_REFUSED, "%s: %s", command, desc);
    QmpErrorPrivate *parts = qmp_error_get_private (refusal);

    parts->command = g_strdup (command);
    parts->class = g_strdup (class);
    parts->desc = g_strdup (desc);
    g_propagate_error (error, g_steal_pointer (&refusal));
    return FALSE;
}

static const QmpErrorPrivate *
parts_of (const GError *error)
{
    static const QmpErrorPrivate none = { 0 };

    return error && error->domain == QMP_ERROR ? qmp_error_get_private (error) : &none;
}

const char *
qmp_error_command (const GError *error)
{
    return parts_of (error)->command;
}

const char *
qmp_error_class (const GError *error)
{
    return parts_of (error)->class;
}

const char *
qmp_error_desc (const GError *error)
{
    return parts_of (error)->desc;
}
