/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors on D-Bus: org.qmpmig.Error.NAME, by the exit code that the same error has at a shell. */
#pragma once

#include <gio/gio.h>

#include "agent/exit-code.h"

/* Takes INVOCATION. */
void reply_code (GDBusMethodInvocation *invocation, ExitCode code, const char *text);
void reply_error (GDBusMethodInvocation *invocation, const GError *error);
