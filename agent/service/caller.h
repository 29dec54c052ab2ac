/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a caller on the bus may not ask for, whoever he is: the service reads and runs with rights
 * that he does not have. What names a file or a command is for the operator's configuration. */
#pragma once

#include "agent/config.h"
#include "agent/service/order.h"

/* CONFIG: the operator's files, without ORDER's options. Usage errors. */
gboolean caller_may_ask (const Order *order, const Config *config, GError **error);
/* A parameter of QEMU's. */
gboolean caller_may_set (const char *parameter, GError **error);
