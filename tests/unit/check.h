/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* g_test with what every test here needs: it must end, and must leave no descriptor open. */
#pragma once

#include <glib.h>

#define CHECK_SECONDS 30

typedef void (*CheckFunc) (void);

void check_add (const char *name, CheckFunc func);

/* That ERROR, which it frees, has this code of QMP_ERROR and these words in this order, up to where
 * WORDS ends ("*" stands for anything). */
#define check_error(error, expected_code, words)                                                   \
    G_STMT_START                                                                                   \
    {                                                                                              \
        g_assert_error (error, QMP_ERROR, expected_code);                                          \
        check_words ((error)->message, words);                                                     \
        g_clear_error (&(error));                                                                  \
    }                                                                                              \
    G_STMT_END

void check_words (const char *text, const char *pattern);
