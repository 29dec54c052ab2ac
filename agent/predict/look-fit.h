/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what QEMU found whenever it looked which pages are dirty to the simplest guest of the
 * simulator's that writes like that: one class of pages at random, or one in turn, or two. Pure. */
#pragma once

#include <glib.h>

typedef struct {
    double us, bytes; /* so many different bytes were written in such a time of the guest's */
    double trust;     /* how much this one counts beside others */
} Look;

/* Terms for workload_parse(): "hot:SIZE@RATE+...", or "idle". LOOKS (Look) are put in order of
 * their times. KEYS: ",KEY=VALUE..." behind each term. *ret_written_bytes: of all
 * classes. */
char *look_fit (GArray *looks, guint64 memory_bytes, const char *keys, double *ret_written_bytes);
