/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A struct that ends in the middle. */
#include <stdint.h>

struct small {
    uint64_t size, abi;
};

extern __attribute__ ((visibility ("default"))) const struct small qmpmig_plugin;
const struct small qmpmig_plugin = { sizeof (struct small), 1 };
