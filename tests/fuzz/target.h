/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What libFuzzer calls, and run-once.c. */
#pragma once

#include <glib.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);
