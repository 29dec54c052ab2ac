/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest as libvirt knows it. */
#pragma once

#include "agent/config-vm.h"
#include "qmp/address.h"

/* DOMAIN may name its own libvirt (DOMAIN@URI); otherwise it is the one of CONFIG. */
QmpAddress *guest_address (const Config *config, const char *domain, GError **error);
/* Is a qmpmig of somebody else's at it, as far as can be seen without a right to its control
 * socket?
 */
gboolean guest_is_taken (const QmpAddress *address);
/* What its domain says it is. Blocks, up to libvirt's timeout. */
Traits *guest_traits (const QmpAddress *address, GError **error);
