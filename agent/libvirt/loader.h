/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loads the module that speaks to libvirt, once, when it is first needed; it stays. */
#pragma once

#include "agent/libvirt/module.h"

/* NULL with a MIGRATE_ERROR sentence that names the package where the module or libvirt's library
 * is not there. Any thread. */
const LibvirtModule *libvirt_load (GError **error);
