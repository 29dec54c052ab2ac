/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may do what: polkit's to say. Where there is no polkit, root and our own user may. */
#pragma once

#include <gio/gio.h>

typedef void (*AuthorityFunc) (gboolean allowed, const char *why_not, gpointer data);

/* Asks whether the caller behind INVOCATION may do ACTION ("org.qmpmig.steer"); FUNC is called
 * later, once, in the main context. */
void authority_check (GDBusMethodInvocation *invocation, const char *action, AuthorityFunc func,
                      gpointer data);
