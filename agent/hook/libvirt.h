/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libvirt's own words: GUEST OPERATION SUB-OPERATION EXTRA, NULL-terminated. The XML stays as it
 * is: nothing is printed. */
void libvirt_run (char *const *words);
