/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One of VDSM's points. Gives the exit code. */
int vdsm_run (const char *point);
