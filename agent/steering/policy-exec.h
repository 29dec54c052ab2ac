/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `exec`: a policy that is a program of the user's, in any language; qmpmig-exec-policy(7). It is
 * asked as a plugin is, and is a plugin to the rest of qmpmig. */
#pragma once

#include "plugins/qmpmig-plugin.h"

#define POLICY_EXEC "exec"

extern const struct qmpmig_plugin policy_exec_plugin;
