/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/print-config.h"

#include <stdio.h>
#include <string.h>

#include "agent/commands/record.h"

static void
print_setting (const CommandLine *line, const char *section, const char *key, const char *value,
               const char *origin)
{
    g_autoptr (json_object) object = NULL;

    if (!command_global (line)->json) {
        printf ("%-14s = %-24s # %s\n", key, value, origin);
        return;
    }
    object = record_line (line, "setting");
    if (section)
        json_object_object_add (object, "section", json_object_new_string (section));
    json_object_object_add (object, "key", json_object_new_string (key));
    json_object_object_add (object, "value", json_object_new_string (value));
    json_object_object_add (object, "origin", json_object_new_string (origin));
    record_print (object);
}

static void
print_section (const CommandLine *line, const char *name)
{
    if (!command_global (line)->json)
        printf ("%s[%s]\n", strcmp (name, "defaults") ? "\n" : "", name);
}

/* Each use of a list counts; of the others the strongest, which is the last. */
static void
print_key (const CommandLine *line, const char *key)
{
    const GPtrArray *values = config_values (command_config (line));
    const ConfigValue *last = NULL;

    for (guint i = 0; i < values->len; i++) {
        const ConfigValue *value = g_ptr_array_index (values, i);

        if (strcmp (value->key, key) != 0)
            continue;
        last = value;
        if (migrate_options_is_list (key))
            print_setting (line, NULL, key, value->value, value->origin);
    }
    if (!last && !migrate_options_is_key (key)) /* for one move: no setting until it is given */
        return;
    if (!last)
        print_setting (line, NULL, key, migrate_options_builtin (key), "built in");
    else if (!migrate_options_is_list (key))
        print_setting (line, NULL, key, last->value[0] ? last->value : "on", last->origin);
}

static void
print_values (const CommandLine *line, const char *section, const GPtrArray *values)
{
    for (guint i = 0; i < values->len; i++) {
        const ConfigValue *value = g_ptr_array_index (values, i);

        print_setting (line, section, value->key, value->value, value->origin);
    }
}

static void
print_sections (const CommandLine *line, const char *kind, const GPtrArray *sections)
{
    for (guint i = 0; i < sections->len; i++) {
        const ConfigSection *section = g_ptr_array_index (sections, i);
        g_autofree char *name = g_strconcat (kind, " ", section->pattern, NULL);

        print_section (line, name);
        print_values (line, name, section->values);
        print_values (line, name, section->agent);
    }
}

static void
print_agent (const CommandLine *line, const GPtrArray *values)
{
    if (values->len == 0)
        return;
    print_section (line, "agent");
    print_values (line, "agent", values);
}

/* The socket is no key of a file; it is shown because it comes from two places too. */
static void
print_socket (const CommandLine *line)
{
    const QmpAddress *socket = command_global (line)->socket;
    gboolean is_given = command_flag (line, "socket");

    print_setting (line, NULL, "socket", socket ? socket->text : "(none)",
                   is_given ? "command line"
                   : socket ? "environment"
                            : "built in");
}

ExitCode
print_config (const CommandLine *line)
{
    print_socket (line);
    if (!command_config (line)) /* a command that does not move anything */
        return EXIT_DONE;
    print_section (line, "defaults");
    for (guint i = 0; migrate_options_spec (i); i++)
        print_key (line, migrate_options_spec (i)->name);
    print_sections (line, "vm", config_sections (command_config (line)));
    print_sections (line, "policy", config_policies (command_config (line)));
    print_agent (line, config_agent (command_config (line)));
    return EXIT_DONE;
}
