/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The example records of tests/display/examples. */
#pragma once

#include "qmp/message.h"

#define EXAMPLES 10
extern const char *const example_names[EXAMPLES];

/* The lines of NAME.jsonl. */
GPtrArray *example_read (const char *name);
