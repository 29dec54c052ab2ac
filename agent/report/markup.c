/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/report/markup.h"

#include <math.h>
#include <string.h>

#include "agent/display/text.h"

void
markup_text (GString *out, const char *text)
{
    g_autofree char *clean = text_clean (text, TRUE);
    g_autofree char *escaped = g_markup_escape_text (clean, -1);

    g_string_append (out, escaped);
}

void
markup_printf (GString *out, const char *format, ...)
{
    va_list args;
    g_autofree char *text = NULL;

    va_start (args, format);
    text = g_markup_vprintf_escaped (format, args);
    va_end (args);
    g_string_append (out, text);
}

void
markup_number (GString *out, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    char *end;

    g_ascii_formatd (text, sizeof text, "%.1f", value);
    end = strchr (text, '.');
    if (end && end[1] == '0')
        *end = '\0';
    g_string_append (out, !strcmp (text, "-0") ? "0" : text);
}
