/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/text.h"

#include <string.h>

#include "agent/parameter.h"
#include "qmp/value.h"

#define CLEAN_MAX  8192 /* bytes: a page of text; no error is worth more */
#define ROW_INDENT 16
#define FOLD_MIN   24 /* columns; below, folding gives confetti */

/* Besides what moves the cursor: what reverses the text, or takes no room or an unknown one. */
static gboolean
is_printable (gunichar c)
{
    switch ((int)g_unichar_type (c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return FALSE;
    default:
        return c < 0xfe00 || c > 0xfe0f; /* variation selectors change the width before them */
    }
}

static void
append_clean (GString *out, gunichar c, gboolean utf8)
{
    if (c == '\n' || c == '\r' || c == '\t')
        g_string_append_c (out, ' ');
    else if (is_printable (c) && (utf8 || c < 0x80))
        g_string_append_unichar (out, c);
    else if (c < 0x100)
        g_string_append_printf (out, "\\x%02x", c);
    else
        g_string_append_printf (out, "\\u%04x", c);
}

char *
text_clean (const char *text, gboolean utf8)
{
    gsize length = strnlen (text, CLEAN_MAX);
    g_autofree char *valid = g_utf8_make_valid (text, (gssize)length);
    g_autoptr (GString) out = g_string_new (NULL);

    for (const char *p = valid; *p; p = g_utf8_next_char (p))
        append_clean (out, g_utf8_get_char (p), utf8);
    if (length == CLEAN_MAX)
        g_string_append (out, "...");
    return g_strdup (g_strchomp (out->str));
}

char *
text_peek (const Style *style, json_object *line, const char *path)
{
    const char *text = qmp_peek_string (line, path, "");

    return *text ? text_clean (text, style->utf8) : NULL;
}

static int
char_width (gunichar c)
{
    if (g_unichar_iszerowidth (c))
        return 0;
    return g_unichar_iswide (c) ? 2 : 1;
}

GStrv
text_peek_list (const Style *style, json_object *line, const char *path)
{
    json_object *list = qmp_peek (line, path);
    g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

    for (gsize i = 0; i < qmp_length (list); i++) {
        const char *raw = json_object_get_string (json_object_array_get_idx (list, i));
        g_autofree char *text = text_clean (raw ? raw : "", style->utf8);

        g_strv_builder_add (builder, text);
    }
    return g_strv_builder_end (builder);
}

char *
text_parameter (const Style *style, const char *name, json_object *value)
{
    g_autofree char *text = value ? parameter_format (name, value) : NULL;

    return text ? text_clean (text, style->utf8) : NULL;
}

int
text_width (const char *text)
{
    int width = 0;

    for (; *text; text = g_utf8_next_char (text))
        width += char_width (g_utf8_get_char (text));
    return width;
}

char *
text_cut (const Style *style, const char *text, int columns)
{
    const char *ellipsis = style_either (style, "…", "...");
    int room = columns - text_width (ellipsis);
    const char *end = text;

    if (text_width (text) <= columns)
        return g_strdup (text);
    if (room < 0)
        return g_strdup ("");
    while ((room -= char_width (g_utf8_get_char (end))) >= 0)
        end = g_utf8_next_char (end);
    return g_strdup_printf ("%.*s%s", (int)(end - text), text, ellipsis);
}

void
text_spaces (GString *out, int count)
{
    g_string_append_printf (out, "%*s", MAX (count, 0), "");
}

void
text_fold (const Style *style, GString *out, int column, int indent, const char *text)
{
    g_auto (GStrv) words = NULL;

    if (style->fold - indent < FOLD_MIN) {
        g_string_append (out, text);
        return;
    }
    words = g_strsplit (text, " ", -1);
    for (char **word = words; *word; word++) {
        int width = text_width (*word);

        if (word != words && column + 1 + width > style->fold) {
            g_string_append_c (out, '\n');
            text_spaces (out, indent);
            column = indent;
        } else if (word != words) {
            g_string_append_c (out, ' ');
            column++;
        }
        g_string_append (out, *word);
        column += width;
    }
}

void
text_row (const Style *style, GString *out, const char *key, const char *text)
{
    g_string_append_printf (out, "  %-*s", ROW_INDENT - 2, key);
    text_fold (style, out, ROW_INDENT, ROW_INDENT, text);
    g_string_append_c (out, '\n');
}
