/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/style.h"

static const char *
ink_sequence (Ink ink)
{
    switch (ink) {
    case INK_PLAIN:
        return NULL;
    case INK_BOLD:
        return "\033[1m";
    case INK_GOOD:
        return "\033[32m";
    case INK_CAUTION:
        return "\033[33m";
    case INK_BAD:
        return "\033[1;31m";
    }
    return NULL;
}

void
style_ink (const Style *self, GString *out, Ink ink, const char *text)
{
    const char *sequence = self->color ? ink_sequence (ink) : NULL;

    if (sequence)
        g_string_append_printf (out, "%s%s\033[m", sequence, text);
    else
        g_string_append (out, text);
}

const char *
style_either (const Style *self, const char *utf8, const char *ascii)
{
    return self->utf8 ? utf8 : ascii;
}
