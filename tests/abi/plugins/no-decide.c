/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lacks what a policy is there for. */
#include "minimal.h"

const struct qmpmig_plugin qmpmig_plugin = { MINIMAL ("no-decide") };
