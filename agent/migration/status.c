/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/status.h"

static const struct {
    const char *text;
    MigrationStatus status;
} names[] = {
    { "none", STATUS_NONE },
    { "setup", STATUS_SETUP },
    { "wait-unplug", STATUS_SETUP },
    { "active", STATUS_ACTIVE },
    { "pre-switchover", STATUS_PRE_SWITCHOVER },
    { "device", STATUS_DEVICE },
    { "postcopy-device", STATUS_POSTCOPY_DEVICE },
    { "postcopy-active", STATUS_POSTCOPY_ACTIVE },
    { "postcopy-paused", STATUS_POSTCOPY_PAUSED },
    { "postcopy-recover-setup", STATUS_POSTCOPY_RECOVER },
    { "postcopy-recover", STATUS_POSTCOPY_RECOVER },
    { "completed", STATUS_COMPLETED },
    { "cancelling", STATUS_CANCELLING },
    { "cancelled", STATUS_CANCELLED },
    { "failing", STATUS_FAILING },
    { "failed", STATUS_FAILED },
};

const char *
end_name (End end)
{
    return end == END_SOURCE ? "source" : "destination";
}

MigrationStatus
status_parse (const char *text)
{
    if (!text)
        return STATUS_NONE;
    for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        if (g_str_equal (names[i].text, text))
            return names[i].status;
    return STATUS_OTHER;
}

gboolean
status_is_terminal (MigrationStatus status)
{
    return status == STATUS_COMPLETED || status == STATUS_FAILED || status == STATUS_CANCELLED;
}

gboolean
status_is_postcopy (MigrationStatus status)
{
    return status == STATUS_POSTCOPY_DEVICE || status == STATUS_POSTCOPY_ACTIVE ||
           status == STATUS_POSTCOPY_PAUSED || status == STATUS_POSTCOPY_RECOVER;
}

gboolean
status_is_running (MigrationStatus status)
{
    return status != STATUS_NONE && !status_is_terminal (status);
}

const char *
status_phase (MigrationStatus status)
{
    switch (status) {
    case STATUS_NONE:
    case STATUS_SETUP:
        return "setup";
    case STATUS_ACTIVE:
    case STATUS_OTHER:
        return "pre-copy";
    case STATUS_PRE_SWITCHOVER:
    case STATUS_DEVICE:
        return "switchover";
    case STATUS_POSTCOPY_DEVICE:
    case STATUS_POSTCOPY_ACTIVE:
    case STATUS_POSTCOPY_RECOVER:
        return "postcopy";
    case STATUS_POSTCOPY_PAUSED:
        return "paused";
    case STATUS_COMPLETED:
    case STATUS_CANCELLING:
    case STATUS_CANCELLED:
    case STATUS_FAILING:
    case STATUS_FAILED:
        return "done";
    }
    return "pre-copy";
}

gboolean
run_state_is_live (const char *run_state)
{
    return g_strcmp0 (run_state, "running") == 0 || g_strcmp0 (run_state, "suspended") == 0;
}

gboolean
run_state_is_ended (const char *run_state)
{
    return g_strcmp0 (run_state, "shutdown") == 0 || g_strcmp0 (run_state, "guest-panicked") == 0;
}
