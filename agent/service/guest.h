/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest as libvirt knows it. */
#pragma once

#include "agent/config-vm.h"
#include "qmp/address.h"

/* DOMAIN may name its own libvirt (DOMAIN@URI); otherwise it is the one of CONFIG. */
QmpAddress *guest_address (const Config *config, const char *domain, GError **error);
/* What its domain says it is. Blocks, up to libvirt's timeout. */
Traits *guest_traits (const QmpAddress *address, GError **error);
