/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens a connection without asking anybody: name and password come from libvirt's auth file. */
#pragma once

#include <libvirt/libvirt.h>

#include "agent/libvirt/module.h"

/* May block. */
virConnectPtr login_open (const char *uri, GError **error);
