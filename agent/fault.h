/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Named points at which the test build kills itself, to see what `recover` makes of it. In the
 * product they are nothing. QMPMIG_FAULT_LIST=FILE appends each point as it is passed; with it,
 * QMPMIG_FAULT_KILL=NAME#N dies at the Nth passing of NAME, and QMPMIG_FAULT_STOP=NAME#N stops
 * there (SIGSTOP) until it is woken, so that a test can act at exactly that point. */
#pragma once

#ifdef QMPMIG_FAULT_POINTS
#define FAULT_POINTS 1
void fault_point (const char *format, ...) __attribute__ ((format (printf, 1, 2)));
#else
#define FAULT_POINTS     0
#define fault_point(...) ((void)0)
#endif
