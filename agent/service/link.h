/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How migrations that leave over the same link share it. Each gets the same; what one does not want
 * (its operator allows it less), the others get. */
#pragma once

#include <glib.h>

/* WANTED: of COUNT migrations, 0 for one without a limit. Fills in SHARES, which add up to LINK, or
 * less where all together want less. */
void link_divide (guint64 link_bytes_per_s, const guint64 *wanted, guint count, guint64 *shares);
