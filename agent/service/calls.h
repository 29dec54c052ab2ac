/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The methods of org.qmpmig.Migration1. */
#pragma once

#include "agent/service/entry.h"

typedef void (*CallsRecover) (Entry *entry, Order *order, GDBusMethodInvocation *invocation,
                              gpointer data);

/* Serves ENTRY's object from now on; RECOVER takes what it is given. */
void calls_serve (Entry *entry, CallsRecover recover, gpointer data);
