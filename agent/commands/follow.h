/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration as it goes on, line by line, to its end: from the qmpmig that steers it, or, where
 * none does, by asking QEMU again and again. */
#pragma once

#include "agent/commands/look.h"

typedef struct Follow Follow;

/* From now on. Over a connection of its own, so that REACH can be asked meanwhile; with QEMU, which
 * has one only, over that of REACH, which must outlive it. */
Follow *follow_new (Reach *reach, GError **error);
/* The next line, owned by the caller; the last one is the `result`, then NULL without an error. */
json_object *follow_next (Follow *self, GError **error);
void follow_free (Follow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Follow, follow_free)

/* Skips to the result. */
json_object *follow_to_end (Follow *self, GError **error);
