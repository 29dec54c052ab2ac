/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way to the destination: how many bytes a second it takes, over time. Pure; chance comes from
 * a seed. */
#pragma once

#include <glib.h>

typedef struct {
    double bytes_per_s;
    double noise;                     /* share; a wandering rate, 0: a steady one */
    double step_us, step_bytes_per_s; /* from then on that rate; 0: never */
    double shared_us;                 /* another takes half of it, so long on average, and
                                         leaves it alone for as long; 0: nobody */
    /* now */
    double wander;
    gboolean taken;
    double next_us, next_shared_us;
} Link;

void link_start (Link *self, GRand *chance);
double link_rate (const Link *self, double now_us);
/* Until when that holds. */
double link_next_us (const Link *self, double now_us);
/* Brings it up to NOW_US. */
void link_turn (Link *self, double now_us, GRand *chance);
/* "10Gbit/s[,noise=PCT][,step=RATE@TIME][,shared=TIME]". */
gboolean link_parse (Link *self, const char *name, const char *text, GError **error);
