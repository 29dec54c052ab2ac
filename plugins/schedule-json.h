/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* oVirt's convergence schedule, from the JSON that its engine sends to VDSM. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SCHEDULE_STEPS 64

enum schedule_kind { SCHEDULE_DOWNTIME, SCHEDULE_POSTCOPY, SCHEDULE_ABORT };

struct schedule_step {
    int64_t limit; /* due when more iterations than that are done; -1: at the next one */
    enum schedule_kind kind;
    uint64_t downtime_us;
};

struct schedule {
    struct schedule_step steps[SCHEDULE_STEPS];
    size_t count;
    uint64_t init_downtime_us; /* 0: none */
};

/* 0, or -1 with what is wrong in WHY. */
int schedule_parse (struct schedule *self, const char *text, char why[128]);
void schedule_drop_postcopy (struct schedule *self);
int schedule_has_postcopy (const struct schedule *self);
