/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/reply.h"

#include "agent/commands/command.h"

static const char *
error_name (ExitCode code)
{
    static const struct {
        ExitCode code;
        const char *name;
    } names[] = {
        { EXIT_USAGE, "Usage" },         { EXIT_UNREACHABLE, "Unreachable" },
        { EXIT_REFUSED, "Refused" },     { EXIT_POSTCOPY_PAUSED, "Postcopy" },
        { EXIT_UNDECIDED, "Undecided" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        if (names[i].code == code)
            return names[i].name;
    return "Failed";
}

void
reply_code (GDBusMethodInvocation *invocation, ExitCode code, const char *text)
{
    g_autofree char *name = g_strconcat ("org.qmpmig.Error.", error_name (code), NULL);
    g_autofree char *valid = g_utf8_make_valid (text, -1);

    g_dbus_method_invocation_return_dbus_error (invocation, name, valid);
}

void
reply_error (GDBusMethodInvocation *invocation, const GError *error)
{
    reply_code (invocation, exit_code_before_start (error), error->message);
}
