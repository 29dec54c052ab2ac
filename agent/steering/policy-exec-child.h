/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that is spoken to in lines. It is in a session of its own, so that Ctrl-C is not for
 * it, and it and what it has started end with us. Nothing here waits beyond a time that is given,
 * and nothing grows beyond a limit. */
#pragma once

#include <glib.h>

typedef struct ExecChild ExecChild;

ExecChild *exec_child_start (char **argv, GError **error);
gboolean exec_child_send (ExecChild *self, const char *line, gint64 until_us, GError **error);
/* The oldest line that it wrote, owned by the caller; NULL without an error: none until then. */
char *exec_child_take_line (ExecChild *self, gint64 until_us, GError **error);
/* The oldest line that it wrote to stderr and that was read meanwhile; NULL: none. */
char *exec_child_take_complaint (ExecChild *self);
/* PATIENTLY: it has half a second from the end of its input. NULL is fine. */
void exec_child_end (ExecChild *self, gboolean patiently);
