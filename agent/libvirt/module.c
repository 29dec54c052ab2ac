/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/module.h"

#include "agent/libvirt/call.h"
#include "agent/libvirt/connection.h"
#include "agent/libvirt/domain.h"
#include "agent/libvirt/job.h"
#include "agent/libvirt/monitor.h"
#include "agent/libvirt/watch.h"

static void
close_all (LibvirtConnection *connection)
{
    if (!connection)
        return;
    watch_end (connection);
    connection_close (connection);
}

extern const LibvirtModule qmpmig_libvirt_module;

__attribute__ ((visibility ("default"))) const LibvirtModule qmpmig_libvirt_module = {
    .size = sizeof (LibvirtModule),
    .abi = LIBVIRT_MODULE_ABI,
    .open = connection_open,
    .close = close_all,
    .uri = connection_uri,
    .list = domain_list,
    .find = domain_find,
    .free_domain = domain_free,
    .watch = watch_begin,
    .unwatch = watch_end,
    .open_monitor = monitor_stream_open,
    .job = job_read,
    .abort_job = job_abort,
    .start_postcopy = job_start_postcopy,
    .set_max_downtime = job_set_max_downtime,
    .migrate = job_migrate,
    .abandoned = call_abandoned,
};
