/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of the requests only. Each request_NAME() answers one: VM is the end that was
 * asked, ARGUMENTS as in board.h. */
#pragma once

#include "agent/migration/migration.h"

/* The two kinds of answers: {"error", "exit_code"} and {"text"}. */
json_object *request_refuse (ExitCode code, const char *format, ...) G_GNUC_PRINTF (2, 3);
json_object *request_agree (const char *format, ...) G_GNUC_PRINTF (1, 2);

gboolean request_is_in_postcopy (const Migration *m);

json_object *request_postcopy (Migration *m, Vm *vm, json_object *arguments);
json_object *request_finish (Migration *m, Vm *vm, json_object *arguments);
json_object *request_get (Migration *m, Vm *vm, json_object *arguments);
json_object *request_set (Migration *m, Vm *vm, json_object *arguments);
