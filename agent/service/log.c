/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/log.h"

#include <syslog.h>
#include <systemd/sd-journal.h>

#include "qmp/value.h"

/* Without a journal nobody hears it; the trace has it all. */
static void
send (const Job *job, int priority, const char *message_id, const char *outcome, const char *text)
{
    sd_journal_send ("MESSAGE=%s: %s", *job_vm_name (job) ? job_vm_name (job) : job_id (job), text,
                     "MESSAGE_ID=%s", message_id, "PRIORITY=%d", priority, "QMPMIG_ID=%s",
                     job_id (job), "QMPMIG_VM=%s", job_vm_name (job), "QMPMIG_UUID=%s",
                     job_vm_uuid (job), outcome ? "QMPMIG_OUTCOME=%s" : NULL, outcome, NULL);
}

void
log_start (const Job *job)
{
    g_autofree char *text = g_strdup_printf ("migration %s is %s", job_id (job), job_role (job));

    send (job, LOG_INFO, LOG_START_ID, NULL, text);
}

void
log_stuck (const Job *job, const char *reason)
{
    g_autofree char *text = g_strdup_printf ("migration %s is stuck: %s", job_id (job), reason);

    send (job, LOG_WARNING, LOG_STUCK_ID, NULL, text);
}

void
log_end (const Job *job, json_object *result)
{
    const char *outcome = qmp_peek_string (result, "outcome", "unknown");
    gboolean is_open = g_str_equal (outcome, "undecided");
    gboolean is_good = g_str_equal (outcome, "completed") || g_str_equal (outcome, "handed-over") ||
                       g_str_equal (outcome, "left");
    g_autofree char *text = g_strdup_printf ("migration %s: %s: %s", job_id (job), outcome,
                                             qmp_peek_string (result, "text", ""));

    send (job,
          is_open   ? LOG_CRIT
          : is_good ? LOG_NOTICE
                    : LOG_WARNING,
          is_open ? LOG_UNDECIDED_ID : LOG_END_ID, outcome, text);
}
