/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* This process's connections to libvirt: one for each URI, made when it is needed, kept. */
#pragma once

#include "agent/libvirt/module.h"
#include "qmp/address.h"

/* Libvirt's file with name and password, for connections that are made from now on; NULL: where
 * libvirt looks by itself. */
void libvirt_set_auth_file (const char *file);
/* NULL with a MIGRATE_ERROR or QMP_ERROR. Blocks up to TIMEOUT_US. Borrowed. */
LibvirtConnection *libvirt_connection (const QmpAddress *address, gint64 timeout_us,
                                       const LibvirtModule **ret_module, GError **error);
/* Is there such a one? Does not wait: FALSE while one is being made. */
gboolean libvirt_is_connected (const QmpAddress *address);
/* A QMP stream to the domain of ADDRESS. */
GIOStream *libvirt_open_monitor (const QmpAddress *address, gint64 timeout_us, GError **error);
/* A LIBVIRT_ERROR as a QMP_ERROR; takes WHY. Returns FALSE. */
gboolean libvirt_fail (GError **error, GError *why);
