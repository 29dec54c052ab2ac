/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events of all domains of a connection. */
#pragma once

#include "agent/libvirt/module.h"

gboolean watch_begin (LibvirtConnection *connection, LibvirtWatchFunc func, gpointer data,
                      GDestroyNotify free_data, GError **error);
void watch_end (LibvirtConnection *connection);
