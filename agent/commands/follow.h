/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration as it goes on, line by line, to its end: from the qmpmig that steers it, or, where
 * none does, by asking QEMU again and again. */
#pragma once

#include "agent/commands/look.h"

typedef struct Follow Follow;

/* From now on. Lines of a qmpmig come over a connection of their own, so that REACH can be asked
 * meanwhile. QEMU has one for all: it is left free between two looks, so that who wants to do
 * something about the migration gets at it. REACH must outlive this. */
Follow *follow_new (Reach *reach, GError **error);
/* The next line, owned by the caller; the last one is the `result`, then NULL without an error. */
json_object *follow_next (Follow *self, GError **error);
void follow_free (Follow *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Follow, follow_free)

/* Skips to the result. */
json_object *follow_to_end (Follow *self, GError **error);
