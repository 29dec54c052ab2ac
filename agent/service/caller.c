/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/caller.h"

#include <string.h>

#include "agent/comma-list.h"
#include "agent/config-vm.h"
#include "agent/migration/error.h"
#include "agent/migration/uri.h"

#define OPERATORS_ALONE "only the operator's configuration file may say so"

/* -- What the operator permits -- */

static gboolean
values_permit_exec (const GPtrArray *values)
{
    g_autoptr (MigrateOptions) options = migrate_options_new ();

    for (guint i = 0; i < values->len; i++) {
        const ConfigValue *value = g_ptr_array_index (values, i);

        if (g_str_equal (value->key, "allow-exec"))
            migrate_options_set (options, value->key, value->value, NULL);
    }
    return options->allow_exec;
}

/* For some VM; whether for this one is asked again when it is known. */
static gboolean
permits_exec (const Config *config)
{
    const GPtrArray *sections = config_sections (config);
    gboolean permits = values_permit_exec (config_values (config));

    for (guint i = 0; i < sections->len && !permits; i++)
        permits = values_permit_exec (((ConfigSection *)g_ptr_array_index (sections, i))->values);
    return permits;
}

/* -- Options -- */

typedef gboolean (*Check) (const char *key, const char *text, const Config *config, GError **error);

static gboolean
refuse_exec (const char *key, const char *text, const Config *config, GError **error)
{
    return migrate_fail (error, EXIT_USAGE,
                         "%s: it lets programs run with the service's rights; " OPERATORS_ALONE,
                         key);
}

static gboolean
refuse_shell (const char *key, const char *text, const Config *config, GError **error)
{
    return migrate_fail (error, EXIT_USAGE,
                         "%s: it is for a command at a shell, not for the service", key);
}

static gboolean
refuse_trace (const char *key, const char *text, const Config *config, GError **error)
{
    return migrate_fail (error, EXIT_USAGE,
                         "%s: it names a file that the service would write with its own "
                         "rights; " OPERATORS_ALONE,
                         key);
}

static gboolean
check_tls (const char *key, const char *text, const Config *config, GError **error)
{
    g_auto (GStrv) items = comma_list_split (text);

    return !comma_list_get ((const char *const *)items, "dir") ||
           migrate_fail (error, EXIT_USAGE,
                         "%s: dir= names a folder whose keys the caller may have no right "
                         "to; " OPERATORS_ALONE,
                         key);
}

static gboolean
check_param (const char *key, const char *text, const Config *config, GError **error)
{
    g_autofree char *name = g_strndup (text, strcspn (text, "="));

    return caller_may_set (name, error);
}

/* -- The policy -- */

static gboolean
check_policy_name (const char *name, const Config *config, GError **error)
{
    if (*name == '/')
        return migrate_fail (error, EXIT_USAGE,
                             "policy: %s is a file that the service would load into itself; a "
                             "caller may name only what is installed",
                             name);
    if (g_str_equal (name, "exec") && !permits_exec (config))
        return migrate_fail (error, EXIT_USAGE,
                             "policy: exec runs a program with the service's rights; allow-exec in "
                             "the operator's configuration file permits it");
    return TRUE;
}

static gboolean
check_policy_item (const char *name, const char *item, GError **error)
{
    g_auto (GStrv) parts = g_strsplit (item, "=", 2);
    const char *key = parts[0] ? parts[0] : "";
    const char *value = parts[0] && parts[1] ? parts[1] : "";

    if (value[0] == '@' && value[1] != '@')
        return migrate_fail (error, EXIT_USAGE,
                             "policy: %s=%s names a file that the service would read with its own "
                             "rights; " OPERATORS_ALONE,
                             key, value);
    if (g_str_equal (name, "exec") && (g_str_equal (key, "command") || g_str_equal (key, "args")))
        return migrate_fail (error, EXIT_USAGE,
                             "policy: %s= says what program is run with the service's rights; only "
                             "[policy exec] in the operator's configuration file may",
                             key);
    return TRUE;
}

static gboolean
check_policy (const char *key, const char *text, const Config *config, GError **error)
{
    g_auto (GStrv) items = comma_list_split (text);

    if (!items[0])
        return TRUE;
    if (!check_policy_name (items[0], config, error))
        return FALSE;
    for (char **item = items + 1; *item; item++)
        if (!check_policy_item (items[0], *item, error))
            return FALSE;
    return TRUE;
}

static const struct {
    const char *key;
    Check check;
} checks[] = {
    { "allow-exec", refuse_exec }, { "detach", refuse_shell }, { "dry-run", refuse_shell },
    { "predict", refuse_shell },   { "trace", refuse_trace },  { "policy", check_policy },
    { "tls", check_tls },          { "param", check_param },
};

static gboolean
check_option (const char *key, const char *text, const Config *config, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS (checks); i++)
        if (g_str_equal (checks[i].key, key))
            return checks[i].check (key, text, config, error);
    return TRUE;
}

static gboolean
check_texts (const char *key, json_object *value, const Config *config, GError **error)
{
    if (!json_object_is_type (value, json_type_array))
        return check_option (key, json_object_get_string (value), config, error);
    for (gsize i = 0; i < json_object_array_length (value); i++)
        if (!check_option (key, json_object_get_string (json_object_array_get_idx (value, i)),
                           config, error))
            return FALSE;
    return TRUE;
}

/* -- Where to, and whom -- */

static gboolean
check_uri (const char *text, const Config *config, GError **error)
{
    g_autoptr (MigrationUri) uri = migration_uri_parse (text, TRUE, error);

    if (!uri)
        return FALSE;
    switch (uri->kind) {
    case URI_TCP:
    case URI_UNIX:
    case URI_VSOCK:
    case URI_FD_TCP:
    case URI_RDMA:
        return TRUE;
    case URI_EXEC:
        return permits_exec (config) ||
               migrate_fail (error, EXIT_USAGE,
                             "%s: exec: runs a shell command as QEMU's user; allow-exec in the "
                             "operator's configuration file permits it",
                             text);
    case URI_FILE:
        return migrate_fail (error, EXIT_USAGE,
                             "%s: it names a file that QEMU would write with its own rights, which "
                             "a caller may not have",
                             text);
    case URI_FD:
    case URI_FD_UNIX:
        return migrate_fail (error, EXIT_USAGE,
                             "%s: what the service has open, or opens with its own rights, is not "
                             "for a caller to choose; unix:PATH has QEMU open it",
                             text);
    }
    return FALSE;
}

/* A libvirt URI can name a program to run, and a host. */
static gboolean
check_address (const char *address, const Config *config, GError **error)
{
    const char *at = g_str_has_prefix (address, "libvirt:") ? strchr (address, '@') : NULL;

    return !at || g_strcmp0 (at + 1, config_agent_value (config, "libvirt-uri")) == 0 ||
           migrate_fail (error, EXIT_USAGE,
                         "%s: a libvirt URI can name a program; which libvirt is meant, only "
                         "libvirt-uri in the operator's configuration file may say",
                         address);
}

gboolean
caller_may_ask (const Order *order, const Config *config, GError **error)
{
    if (!check_address (order->address, config, error) ||
        (order->uri && !check_uri (order->uri, config, error)))
        return FALSE;
    json_object_object_foreach (order->options, key, value) {
        if (!check_texts (key, value, config, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
caller_may_set (const char *parameter, GError **error)
{
    return !g_str_equal (parameter, "cpr-exec-command") ||
           migrate_fail (error, EXIT_USAGE,
                         "%s: it names a command that QEMU would run with its own rights, which a "
                         "caller may not have",
                         parameter);
}
