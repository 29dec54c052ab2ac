/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/link.h"

/* Gives those what they want that want no more than EACH. The number of them. */
static guint
satisfy (const guint64 *wanted, guint count, guint64 *shares, guint64 each, guint64 *left)
{
    guint satisfied = 0;

    for (guint i = 0; i < count; i++)
        if (shares[i] == 0 && wanted[i] && wanted[i] <= each) {
            shares[i] = wanted[i];
            *left -= wanted[i];
            satisfied++;
        }
    return satisfied;
}

void
link_divide (guint64 link_bytes_per_s, const guint64 *wanted, guint count, guint64 *shares)
{
    guint64 left = link_bytes_per_s;
    guint open = count, satisfied;

    for (guint i = 0; i < count; i++)
        shares[i] = 0;
    do {
        satisfied = open ? satisfy (wanted, count, shares, left / open, &left) : 0;
        open -= satisfied;
    } while (satisfied > 0);
    for (guint i = 0; i < count && open > 0; i++)
        if (shares[i] == 0)
            shares[i] = left / open;
}
