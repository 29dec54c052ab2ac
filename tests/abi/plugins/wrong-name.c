/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls itself other than its file. */
#include "minimal.h"

const struct qmpmig_plugin qmpmig_plugin = { MINIMAL ("right-name"), .decide = minimal_decide };
