/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work that must not hold up the hook: a process of its own does it, which outlives the hook. It
 * has none of the hook's descriptors, because VDSM and libvirtd read the hook's output until the
 * last holder has closed it. */
#pragma once

#include <glib.h>

/* What it does. The text is what comes of it, NULL: nothing to tell. It may take up to LIFE_S. */
typedef char *(*ErrandWork) (gpointer data);

/* Starts it and gives its text, if that comes within WAIT_MS; NULL otherwise. Once in a process,
 * before there are threads. */
char *errand_send (ErrandWork work, gpointer data, guint wait_ms);
