/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the configuration can know a VM by. */
#pragma once

#include "agent/config-vm.h"

/* Of a domain's XML: the name and uuid, Nova's flavor, its extra
 * specs, and who manages it. NULL: it is
 * no XML. */
Traits *traits_from_domain (const char *xml, GError **error);
