/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* patient: leaves the guest alone for a while, and then throttles it. */
#include <qmpmig-plugin.h>
#include <stdlib.h>
#include <string.h>

struct patient {
    const struct qmpmig_context *context;
    uint64_t wait_us, throttle_pct;
};

static void *
patient_open (const struct qmpmig_context *context)
{
    struct patient *self = calloc (1, sizeof *self);

    if (self)
        *self = (struct patient){ context, 30000000, 80 };
    return self;
}

static int
patient_config (void *handle, const char *key, const char *value)
{
    struct patient *self = handle;
    const struct qmpmig_host *host = self->context->host;

    if (!strcmp (key, "wait"))
        return host->parse_time (self->context, key, value, &self->wait_us);
    return host->parse_percent (self->context, key, value, &self->throttle_pct);
}

static int
patient_plan (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan)
{
    (void)handle;
    if (!(facts->can & QMPMIG_CAN_THROTTLE))
        return 0;
    plan->set = QMPMIG_PLAN_THROTTLE;
    plan->throttle = QMPMIG_THROTTLE_STEERED;
    return 0;
}

static int
patient_decide (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice)
{
    struct patient *self = handle;

    if (sample->now_us < self->wait_us || !(sample->may & QMPMIG_MAY_THROTTLE_UP) ||
        sample->throttle_commanded_pct == self->throttle_pct)
        return 0;
    advice->set = QMPMIG_SET_THROTTLE;
    advice->throttle_pct = self->throttle_pct;
    strcpy (advice->reason, "patience has run out");
    return 0;
}

const struct qmpmig_plugin qmpmig_plugin = {
    .size = sizeof (struct qmpmig_plugin),
    .abi = QMPMIG_ABI,
    .name = "patient",
    .version = "1",
    .description = "leaves the guest alone for a while, and then throttles it",
    .config_help = "wait=30s  so long\n"
                   "throttle=80  so much",
    .open = patient_open,
    .config = patient_config,
    .plan = patient_plan,
    .decide = patient_decide,
    .close = free,
};
