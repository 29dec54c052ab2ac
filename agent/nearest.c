/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/nearest.h"

#include <string.h>

/* Levenshtein's distance, one row at a time. */
static guint
distance (const char *a, const char *b)
{
    size_t width = strlen (b);
    g_autofree guint *row = g_new (guint, width + 1);

    for (size_t j = 0; j <= width; j++)
        row[j] = (guint)j;
    for (size_t i = 0; a[i]; i++) {
        guint diagonal = row[0];

        row[0] = (guint)i + 1;
        for (size_t j = 0; j < width; j++) {
            guint above = row[j + 1];

            row[j + 1] = MIN (MIN (above, row[j]) + 1, diagonal + (a[i] != b[j]));
            diagonal = above;
        }
    }
    return row[width];
}

const char *
nearest_word (const char *word, const char *const *words)
{
    /* A third of the letters may be wrong; more would be a guess. */
    guint best = (guint)strlen (word) / 3 + 1;
    const char *found = NULL;

    for (; *words; words++) {
        guint d = distance (word, *words);

        if (d <= best && (!found || d < best)) {
            best = d;
            found = *words;
        }
    }
    return found;
}
