/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists as QEMU writes them on its command line: "socket,id=mon0,path=/a,,b,server=on", where a
 * doubled comma is a comma of the value. */
#pragma once

#include <glib.h>

/* The items, with doubled commas undone. */
GStrv comma_list_split (const char *text);
/* The last value of KEY; "" for a bare KEY and NULL where it is not there. Borrowed. */
const char *comma_list_get (const char *const *items, const char *key);
