/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt's job of a domain, and its migration. */
#pragma once

#include "agent/libvirt/module.h"

gboolean job_read (LibvirtConnection *connection, const char *domain, LibvirtJob *ret_job,
                   GError **error);
gboolean job_abort (LibvirtConnection *connection, const char *domain, GError **error);
gboolean job_start_postcopy (LibvirtConnection *connection, const char *domain, GError **error);
gboolean job_set_max_downtime (LibvirtConnection *connection, const char *domain,
                               guint64 max_downtime_us, GError **error);
gboolean job_migrate (LibvirtConnection *connection, const char *domain,
                      const LibvirtMigration *migration, GError **error);
