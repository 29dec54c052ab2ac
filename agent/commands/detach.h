/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --detach: the caller gets its terminal back as soon as the migration runs, and the exit code of
 * one that did not come that far. */
#pragma once

#include "agent/exit-code.h"
#include "qmp/message.h"

typedef struct Detach Detach;

/* TRUE in the caller's process, once the other has started the migration or ended: *ret_code is to
 * be returned. FALSE in the one that goes on. Before any thread is made. */
gboolean detach_fork (Detach **ret_detach, ExitCode *ret_code);
/* Sees the record's lines; NULL is fine. */
void detach_line (Detach *self, json_object *line);
void detach_free (Detach *self);
