/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "agent/commands/line-internal.h"
#include "agent/commands/line-spec.h"

static gboolean
fail_unknown_option (const char *name, GError **error)
{
    const char *near = line_spec_nearest (name);

    if (near)
        return line_fail (error, "unknown option --%s; did you mean --%s?", name, near);
    return line_fail (error, "unknown option --%s; see qmpmig --help", name);
}

static gboolean
needs_value (const OptionSpec *spec)
{
    return spec->argument && spec->argument[0] != '[';
}

static void
give (CommandLine *self, const OptionSpec *spec, const char *value)
{
    Given given = { .spec = spec, .value = value };

    g_array_append_val (self->given, given);
}

/* "--name", "--name=value", "--name value" (REST moves on). */
static gboolean
take_long (CommandLine *self, const char *word, char ***rest, GError **error)
{
    const char *value = strchr (word, '=');
    g_autofree char *name = value ? g_strndup (word, value - word) : g_strdup (word);
    const OptionSpec *spec = line_spec_by_name (name);

    if (!spec)
        return fail_unknown_option (name, error);
    if (value) {
        give (self, spec, value + 1);
    } else if (!needs_value (spec)) {
        give (self, spec, NULL);
    } else {
        if (!**rest)
            return line_fail (error, "--%s needs %s", name, spec->argument);
        give (self, spec, *(*rest)++);
    }
    return TRUE;
}

/* "-j", "-jv", "-sPATH", "-s PATH". */
static gboolean
take_letters (CommandLine *self, const char *letters, char ***rest, GError **error)
{
    for (; *letters; letters++) {
        const OptionSpec *spec = line_spec_by_letter (*letters);

        if (!spec)
            return line_fail (error, "unknown option -%c; see qmpmig --help", *letters);
        if (!needs_value (spec)) {
            give (self, spec, NULL);
            continue;
        }
        if (!letters[1] && !**rest)
            return line_fail (error, "-%c needs %s", *letters, spec->argument);
        give (self, spec, letters[1] ? letters + 1 : *(*rest)++);
        break;
    }
    return TRUE;
}

gboolean
line_split_words (CommandLine *self, char **rest, GError **error)
{
    gboolean only_words = FALSE;

    while (*rest) {
        char *word = *rest++;

        if (only_words || word[0] != '-' || !word[1])
            g_ptr_array_add (self->words, word);
        else if (!strcmp (word, "--"))
            only_words = TRUE;
        else if (!(word[1] == '-' ? take_long (self, word + 2, &rest, error)
                                  : take_letters (self, word + 1, &rest, error)))
            return FALSE;
    }
    g_ptr_array_add (self->words, NULL);
    return TRUE;
}
