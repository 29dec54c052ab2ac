/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's migration parameters as people write and read them: 300 of downtime-limit is 300 ms, and
 * of max-bandwidth 300 B/s, so a number without its unit is an error here too. Pure. */
#pragma once

#include "agent/units.h"
#include "qmp/message.h"

/* TEXT as the value that QEMU takes for the parameter NAME. Where we do not know its unit, the type
 * of NOW decides, the value that it has (NULL: how TEXT looks). UNITS_ERROR. Owned by the caller.
 */
json_object *parameter_parse (const char *name, const char *text, json_object *now, GError **error);
/* "300 ms", "unlimited", "on". Owned by the caller. */
char *parameter_format (const char *name, json_object *value);
/* Does it have a unit, so that parameter_parse() needs no NOW? */
gboolean parameter_has_unit (const char *name);
/* Is it read when a migration starts, so that one that runs does not heed a change? */
gboolean parameter_is_for_next (const char *name);
