/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/job.h"

#include <libvirt/libvirt.h>

#include "agent/libvirt/connection.h"
#include "agent/libvirt/domain.h"
#include "agent/libvirt/error.h"

/* What is done to one domain; on a worker. */
typedef gpointer (*DomainFunc) (virDomainPtr domain, guint64 value, GError **error);

typedef struct {
    char *domain;
    DomainFunc func;
    guint64 value;
} Errand;

static void
errand_free (gpointer data)
{
    Errand *self = data;

    g_free (self->domain);
    g_free (self);
}

static gpointer
run_errand (virConnectPtr connection, gpointer data, GError **error)
{
    Errand *errand = data;
    virDomainPtr domain = domain_look_up (connection, errand->domain, error);
    gpointer result = domain ? errand->func (domain, errand->value, error) : NULL;

    if (domain)
        virDomainFree (domain);
    return result;
}

static gpointer
call (LibvirtConnection *connection, const char *what, ConnectionFlags flags, const char *domain,
      DomainFunc func, guint64 value, GDestroyNotify free_result, GError **error)
{
    Errand *errand = g_new (Errand, 1);

    *errand = (Errand){ g_strdup (domain), func, value };
    return connection_call (connection, what, flags, run_errand, errand, errand_free, free_result,
                            error);
}

/* -- Information -- */

static guint64
number (virTypedParameterPtr parameters, int count, const char *name)
{
    unsigned long long value;

    return virTypedParamsGetULLong (parameters, count, name, &value) == 1 ? value : G_MAXUINT64;
}

static guint64
milliseconds (virTypedParameterPtr parameters, int count, const char *name)
{
    guint64 value = number (parameters, count, name);

    return value == G_MAXUINT64 ? value : value * 1000;
}

static LibvirtJobState
state_of (int type)
{
    if (type == VIR_DOMAIN_JOB_NONE)
        return LIBVIRT_JOB_NONE;
    return type == VIR_DOMAIN_JOB_BOUNDED || type == VIR_DOMAIN_JOB_UNBOUNDED ? LIBVIRT_JOB_RUNNING
                                                                              : LIBVIRT_JOB_OVER;
}

static gpointer
read_now (virDomainPtr domain, guint64 unused, GError **error)
{
    virTypedParameterPtr parameters = NULL;
    int type, count = 0, operation = 0;
    LibvirtJob *job;

    if (virDomainGetJobStats (domain, &type, &parameters, &count, 0) < 0) {
        error_take (error, "ask for the job");
        return NULL;
    }
    virTypedParamsGetInt (parameters, count, VIR_DOMAIN_JOB_OPERATION, &operation);
    job = g_new (LibvirtJob, 1);
    *job = (LibvirtJob){
        .state = state_of (type),
        .is_outgoing = operation == VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT,
        .elapsed_us = milliseconds (parameters, count, VIR_DOMAIN_JOB_TIME_ELAPSED),
        .total_bytes = number (parameters, count, VIR_DOMAIN_JOB_MEMORY_TOTAL),
        .remaining_bytes = number (parameters, count, VIR_DOMAIN_JOB_MEMORY_REMAINING),
        .sent_bytes = number (parameters, count, VIR_DOMAIN_JOB_MEMORY_PROCESSED),
        .pass = number (parameters, count, VIR_DOMAIN_JOB_MEMORY_ITERATION),
        .downtime_us = milliseconds (parameters, count, VIR_DOMAIN_JOB_DOWNTIME),
    };
    virTypedParamsFree (parameters, count);
    return job;
}

gboolean
job_read (LibvirtConnection *connection, const char *domain, LibvirtJob *ret_job, GError **error)
{
    LibvirtJob *job =
        call (connection, "tell of the job", CONNECTION_RETRY, domain, read_now, 0, g_free, error);

    if (!job)
        return FALSE;
    *ret_job = *job;
    g_free (job);
    return TRUE;
}

/* -- Orders -- */

static gpointer
done (int failed, const char *what, GError **error)
{
    if (!failed)
        return GINT_TO_POINTER (TRUE);
    error_take (error, what);
    return NULL;
}

static gpointer
abort_now (virDomainPtr domain, guint64 unused, GError **error)
{
    return done (virDomainAbortJob (domain), "abort the job", error);
}

static gpointer
switch_now (virDomainPtr domain, guint64 unused, GError **error)
{
    return done (virDomainMigrateStartPostCopy (domain, 0), "switch to postcopy", error);
}

static gpointer
limit_now (virDomainPtr domain, guint64 max_downtime_us, GError **error)
{
    return done (virDomainMigrateSetMaxDowntime (domain, MAX (max_downtime_us / 1000, 1), 0),
                 "set the longest downtime", error);
}

gboolean
job_abort (LibvirtConnection *connection, const char *domain, GError **error)
{
    return call (connection, "abort the job", CONNECTION_ONCE, domain, abort_now, 0, NULL, error) !=
           NULL;
}

gboolean
job_start_postcopy (LibvirtConnection *connection, const char *domain, GError **error)
{
    return call (connection, "switch to postcopy", CONNECTION_ONCE, domain, switch_now, 0, NULL,
                 error) != NULL;
}

gboolean
job_set_max_downtime (LibvirtConnection *connection, const char *domain, guint64 max_downtime_us,
                      GError **error)
{
    return call (connection, "set the longest downtime", CONNECTION_RETRY, domain, limit_now,
                 max_downtime_us, NULL, error) != NULL;
}
