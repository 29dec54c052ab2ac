/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/line-spec.h"

#include <string.h>

#include "agent/commands/line.h"
#include "agent/commands/table.h"
#include "agent/nearest.h"

static const OptionSpec meta_options[] = {
    { "help", 'h', NULL, "this help; after a command, that command's" },
    { "version", 'V', NULL, "print the version" },
    { "print-config", 0, NULL, "print each setting, its value and where it came from" },
    { 0 },
};

const OptionSpec *
command_line_meta_options (void)
{
    return meta_options;
}

typedef gboolean (*SpecMatch) (const OptionSpec *spec, gpointer data);

static const OptionSpec *
search_table (const OptionSpec *table, SpecMatch match, gpointer data)
{
    for (; table && table->name; table++)
        if (match (table, data))
            return table;
    return NULL;
}

static const OptionSpec *
search_getter (const OptionSpec *(*get) (guint), SpecMatch match, gpointer data)
{
    for (guint i = 0; get (i); i++)
        if (match (get (i), data))
            return get (i);
    return NULL;
}

/* What every command takes. */
static const OptionSpec *
search_common (SpecMatch match, gpointer data)
{
    const OptionSpec *found = search_getter (global_options_spec, match, data);

    return found ? found : search_table (meta_options, match, data);
}

static const OptionSpec *
search_all (SpecMatch match, gpointer data)
{
    const OptionSpec *found = search_common (match, data);

    if (!found)
        found = search_getter (migrate_options_spec, match, data);
    for (guint i = 0; !found && command_entry (i); i++)
        found = search_table (command_entry (i)->command->options, match, data);
    return found;
}

static gboolean
has_name (const OptionSpec *spec, gpointer name)
{
    return !strcmp (spec->name, name);
}

static gboolean
has_letter (const OptionSpec *spec, gpointer letter)
{
    return spec->letter == *(char *)letter;
}

const OptionSpec *
line_spec_in_table (const OptionSpec *table, const char *name)
{
    return search_table (table, has_name, (gpointer)name);
}

const OptionSpec *
line_spec_in_list (const OptionSpec *(*get) (guint), const char *name)
{
    return search_getter (get, has_name, (gpointer)name);
}

const OptionSpec *
line_spec_by_name (const char *name)
{
    return search_all (has_name, (gpointer)name);
}

const OptionSpec *
line_spec_by_letter (char letter)
{
    return search_all (has_letter, &letter);
}

static gboolean
collect_name (const OptionSpec *spec, gpointer names)
{
    g_ptr_array_add (names, (gpointer)spec->name);
    return FALSE;
}

const char *
line_spec_nearest (const char *name)
{
    g_autoptr (GPtrArray) names = g_ptr_array_new ();

    search_all (collect_name, names);
    g_ptr_array_add (names, NULL);
    return nearest_word (name, (const char *const *)names->pdata);
}
