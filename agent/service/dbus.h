/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names on D-Bus, and the code that gdbus-codegen makes of org.qmpmig.Agent1.xml. */
#pragma once

#include <gio/gio.h>

#include "agent/service/qmpmig-dbus.h"

#define DBUS_NAME       "org.qmpmig.Agent1"
#define DBUS_PATH       "/org/qmpmig/Agent1"
#define DBUS_MIGRATIONS DBUS_PATH "/migration/"
