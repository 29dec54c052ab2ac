/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the administrator reads in the journal: a line when a migration begins, gets stuck, ends or
 * needs a decision, with fields to look for. */
#pragma once

#include "agent/service/job.h"

/* Their MESSAGE_IDs, which stay. */
#define LOG_START_ID     "6a4b1f0e5d9c4c7fa1f2b33a7f0c1d51"
#define LOG_STUCK_ID     "0f3c9a2be4d84c4d9f6d5e1b7c8a2f92"
#define LOG_END_ID       "b1d7e6a94c2f4f0b8e3a6c5d9f1b2e73"
#define LOG_UNDECIDED_ID "d94e2c7b1a5f4e8fb6c3a8f7e2d1c0b4"

void log_start (const Job *job);
void log_stuck (const Job *job, const char *reason);
void log_end (const Job *job, json_object *result); /* or undecided */
