/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Of another ABI: nothing behind the first two fields means what we think. */
#include <stdint.h>

struct other {
    uint64_t size, abi;
    uint64_t whatever[4];
};

extern __attribute__ ((visibility ("default"))) const struct other qmpmig_plugin;
const struct other qmpmig_plugin = { sizeof (struct other), 2, { 1, 2, 3, 4 } };
