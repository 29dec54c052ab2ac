/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The simplest guest that a few measured points of a working-set curve allow: one class of pages,
 * written at random or in turn, and where they ask for it a slow one beside it, which goes on
 * growing when they end. Pure. */
#pragma once

#include "agent/predict/curve-fit.h"

/* Appends terms for workload_parse() to OUT, each with KEYS (",KEY=VALUE..."); nothing where
 * nothing is written. */
void likely_fit (GString *out, const CurvePoint *points, guint count, guint64 memory_bytes,
                 const char *keys);
