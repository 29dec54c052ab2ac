/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How receiving ends, as far as this end alone knows: fills in the result. */
#pragma once

#include "agent/migration/migration.h"

void receive_say_here (Migration *m);
void receive_say_not_here (Migration *m, GError *error); /* takes ERROR */
void receive_say_left_whole (Migration *m);
void receive_say_gone (Migration *m);
/* A QEMU whose incoming migration has failed is of no use to anybody. */
void receive_quit_failed (Migration *m);
