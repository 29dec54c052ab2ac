/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guests that leave this host under libvirt, whoever has them do so: each becomes an order of
 * the service, unless somebody is at it already. */
#pragma once

#include "agent/service/service.h"

typedef struct Departures Departures;

Departures *departures_new (Service *service); /* watches nothing yet */
void departures_free (Departures *self);
/* Watches the libvirt that CONFIG names, anew where that is another one than before. CONFIG is
 * borrowed until the next call. */
void departures_watch (Departures *self, const Config *config);
