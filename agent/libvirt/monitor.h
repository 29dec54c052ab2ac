/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream that speaks QMP, with libvirt's passthrough behind it. */
#pragma once

#include "agent/libvirt/module.h"

GIOStream *monitor_stream_open (LibvirtConnection *connection, const char *domain, GError **error);
