/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an `exec` policy is told and says: a JSON object a line, by the names of qmpmig-plugin.h. */
#pragma once

#include <glib.h>

#include "plugins/qmpmig-plugin.h"

/* With the line end; owned by the caller. */
char *exec_line_header (const struct qmpmig_context *context);
char *exec_line_sample (const struct qmpmig_sample *sample);
/* *RET_SEQUENCE: of the sample that it is about. ADVICE is written on success only. */
gboolean exec_line_advice (const char *text, guint64 *ret_sequence, struct qmpmig_advice *advice,
                           GError **error);
