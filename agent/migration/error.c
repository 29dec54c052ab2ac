/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/error.h"

G_DEFINE_QUARK (qmpmig - migrate - error, migrate_error)

gboolean
migrate_fail (GError **error, ExitCode code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    g_set_error_literal (error, MIGRATE_ERROR, code, text);
    return FALSE;
}
