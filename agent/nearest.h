/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The known word that a mistyped one was probably meant to be. */
#pragma once

#include <glib.h>

/* WORDS ends with NULL. NULL if none is near. Borrowed from WORDS. */
const char *nearest_word (const char *word, const char *const *words);
