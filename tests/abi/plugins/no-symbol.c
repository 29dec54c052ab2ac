/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A library that is no plugin. */
extern __attribute__ ((visibility ("default"))) const int nothing;
const int nothing = 0;
