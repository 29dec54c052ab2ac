/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/options.h"

#include <string.h>

#include "agent/option-key.h"

/* QEMU refuses a downtime-limit of more than 2000 s, and counts it in ms. */
#define MAX_DOWNTIME_US      (2000 * G_TIME_SPAN_SECOND)
#define MIN_DOWNTIME_US      1000
#define DEFAULT_MULTIFD      2
#define MIN_XBZRLE_BYTES     4096
#define MAX_COMPRESS_LEVEL   20
#define MAX_REPLY_TIMEOUT_US G_TIME_SPAN_HOUR

/* --- values of a shape of their own; option-key.c has the others --------------------------- */

static gboolean
set_bandwidth (const OptionKey *key, gpointer self, const char *name, const char *value,
               GError **error)
{
    MigrateOptions *options = self;
    guint64 rate;

    if (!units_parse_rate (name, value, &rate, error))
        return FALSE;
    if (rate == 0)
        return option_fail (error, name, "nothing moves at %s: write 'unlimited' for no limit",
                            value);
    options->bandwidth_bytes_per_s = rate;
    return TRUE;
}

static gboolean
set_multifd (const OptionKey *key, gpointer self, const char *name, const char *value,
             GError **error)
{
    MigrateOptions *options = self;
    guint64 channels = DEFAULT_MULTIFD;

    if (value && value[0] && !units_parse_uint (name, value, key->min, key->max, &channels, error))
        return FALSE;
    options->multifd_channels = (guint)channels;
    return TRUE;
}

static gboolean
set_compress (const OptionKey *key, gpointer self, const char *name, const char *value,
              GError **error)
{
    MigrateOptions *options = self;
    g_auto (GStrv) parts = g_strsplit (value, ":", 2);
    gboolean is_none = !g_strcmp0 (parts[0], "none");
    guint64 level;

    if (!parts[0] || !parts[0][0] ||
        parts[0][strspn (parts[0], "abcdefghijklmnopqrstuvwxyz0123456789-")])
        return option_fail (error, name, "'%s' is not METHOD or METHOD:LEVEL, such as zstd:3",
                            value);
    if (parts[1] && is_none)
        return option_fail (error, name, "'none' has no level");
    if (parts[1] && !units_parse_uint (name, parts[1], 0, MAX_COMPRESS_LEVEL, &level, error))
        return FALSE;
    g_free (options->compress_method);
    options->compress_method = is_none ? NULL : g_strdup (parts[0]);
    options->compress_level = parts[1] ? (int)level : -1;
    return TRUE;
}

static gboolean
set_xbzrle (const OptionKey *key, gpointer self, const char *name, const char *value,
            GError **error)
{
    MigrateOptions *options = self;
    guint64 bytes = 0;

    if (value && value[0]) {
        if (!units_parse_size (name, value, &bytes, error))
            return FALSE;
        if (bytes < MIN_XBZRLE_BYTES || (bytes & (bytes - 1)))
            return option_fail (error, name, "%s is not a power of two of at least 4 KiB", value);
    }
    options->xbzrle = TRUE;
    options->xbzrle_cache_bytes = bytes;
    return TRUE;
}

static gboolean
set_capability (const OptionKey *key, gpointer self, const char *name, const char *value,
                GError **error)
{
    MigrateOptions *options = self;
    g_auto (GStrv) parts = g_strsplit (value, "=", 2);
    gboolean on;

    if (!parts[0] || !parts[0][0] || !parts[1])
        return option_fail (error, name, "'%s' is not NAME=on or NAME=off", value);
    if (!units_parse_bool (name, parts[1], &on, error))
        return FALSE;
    named_value_put (options->capabilities, parts[0], on ? "on" : "off", NULL);
    return TRUE;
}

static gboolean
set_parameter (const OptionKey *key, gpointer self, const char *name, const char *value,
               GError **error)
{
    MigrateOptions *options = self;
    g_auto (GStrv) parts = g_strsplit (value, "=", 2);

    if (!parts[0] || !parts[0][0] || !parts[1])
        return option_fail (error, name, "'%s' is not KEY=VALUE", value);
    named_value_put (options->parameters, parts[0], parts[1], NULL);
    return TRUE;
}

static gboolean
set_unsafe (const OptionKey *key, gpointer self, const char *name, const char *value,
            GError **error)
{
    MigrateOptions *options = self;
    g_auto (GStrv) items = g_strsplit (value, ",", -1);

    if (g_strv_contains ((const char *const *)items, "all"))
        return option_fail (error, name, "there is no 'all': name each item");
    if (!items[0] || g_strv_contains ((const char *const *)items, ""))
        return option_fail (error, name, "'%s' has an empty item", value);
    g_strfreev (options->unsafe);
    options->unsafe = g_steal_pointer (&items);
    return TRUE;
}

static gboolean
set_trace (const OptionKey *key, gpointer self, const char *name, const char *value, GError **error)
{
    MigrateOptions *options = self;

    if (strcmp (value, "none") != 0 && !option_set_file (key, self, name, value, error))
        return FALSE;
    options->no_trace = !strcmp (value, "none");
    if (options->no_trace)
        g_clear_pointer (&options->trace_file, g_free);
    return TRUE;
}

/* The same monitor as --socket's. Only one of them can be meant. */
static gboolean
set_libvirt (const OptionKey *key, gpointer self, const char *name, const char *value,
             GError **error)
{
    GlobalOptions *options = self;
    g_autoptr (GError) why = NULL;
    QmpAddress *address;

    if (options->socket && !qmp_address_is_libvirt (options->socket))
        return option_fail (error, name, "give either --libvirt or --socket");
    address = qmp_address_parse_libvirt (value, &why);
    if (!address)
        return option_fail (error, name, "%s", why->message);
    qmp_address_free (options->socket);
    options->socket = address;
    return TRUE;
}

static gboolean
set_socket (const OptionKey *key, gpointer self, const char *name, const char *value,
            GError **error)
{
    GlobalOptions *options = self;

    if (options->socket && qmp_address_is_libvirt (options->socket))
        return option_fail (error, name, "give either --libvirt or --socket");
    return option_set_address (key, self, name, value, error);
}

/* --- the tables ------------------------------------------------------------------------------ */

#define GLOBAL(member)  G_STRUCT_OFFSET (GlobalOptions, member)
#define MIGRATE(member) G_STRUCT_OFFSET (MigrateOptions, member)

static const OptionKey global_keys[] = {
    { { "socket", 's', "ADDR",
        "QMP socket of the VM: PATH, unix:PATH or tcp:HOST:PORT (default $QMPMIG_SOCKET)" },
      .builtin = "(none)",
      .set = set_socket,
      .offset = GLOBAL (socket) },
    { { "libvirt", 0, "DOMAIN[@URI]",
        "a guest of libvirt's instead (default URI: $LIBVIRT_DEFAULT_URI, then qemu:///system)" },
      .builtin = "(none)",
      .set = set_libvirt,
      .offset = GLOBAL (socket) },
    { { "json", 'j', NULL, "one JSON object a line on standard output" },
      .builtin = "off",
      .set = option_set_flag,
      .offset = GLOBAL (json) },
    { { "quiet", 'q', NULL, "errors and the result only" },
      .builtin = "off",
      .set = option_set_flag,
      .offset = GLOBAL (quiet) },
    { { "verbose", 'v', NULL, "each QMP message on standard error" },
      .builtin = "off",
      .set = option_set_flag,
      .offset = GLOBAL (verbose) },
    { { "color", 0, "auto|always|never", "colors (default auto: on a terminal, without NO_COLOR)" },
      .builtin = "auto",
      .set = option_set_choice,
      .offset = GLOBAL (color),
      .min = COLOR_AUTO },
    { { "config", 0, "FILE",
        "read this configuration file instead of the usual ones (default $QMPMIG_CONFIG)" },
      .builtin = "(searched)",
      .set = option_set_file,
      .offset = GLOBAL (config) },
    { { "reply-timeout", 0, "TIME", "how long an answer of QEMU may take (default 10s)" },
      .builtin = "10s",
      .set = option_set_time,
      .offset = GLOBAL (reply_timeout_us),
      .min = 1000,
      .max = MAX_REPLY_TIMEOUT_US },
};

static const OptionKey migrate_keys[] = {
    { { "dest-socket", 0, "ADDR",
        "QMP socket of the destination; without it the destination is not observed" },
      .builtin = "(none)",
      .set = option_set_address,
      .offset = MIGRATE (dest_socket),
      .flags = KEY_PER_CALL },
    { { "max-downtime", 0, "TIME", "longest blackout of the guest, 1ms to 2000s (default 500ms)" },
      .builtin = "500ms",
      .set = option_set_time,
      .offset = MIGRATE (max_downtime_us),
      .min = MIN_DOWNTIME_US,
      .max = MAX_DOWNTIME_US },
    { { "max-stall", 0, "TIME",
        "longest single standstill under the throttle (default: as --max-downtime)" },
      .builtin = "(as max-downtime)",
      .set = option_set_time,
      .offset = MIGRATE (max_stall_us),
      .min = MIN_DOWNTIME_US,
      .max = MAX_DOWNTIME_US },
    { { "policy", 0, "NAME[,KEY=VALUE...]",
        "who steers, and how: see `qmpmig policies` (default auto)" },
      .builtin = "auto",
      .set = option_set_policy },
    { { "deadline", 0, "TIME", "when the move should be over, from its start (default: none)" },
      .builtin = "(none)",
      .set = option_set_time,
      .offset = MIGRATE (deadline_us),
      .min = G_TIME_SPAN_SECOND / 10,
      .max = 1000 * G_TIME_SPAN_HOUR },
    { { "max-throttle", 0, "PCT",
        "most that the guest's CPUs are slowed down, 1% to 99% (default 99%)" },
      .builtin = "99%",
      .set = option_set_percent,
      .offset = MIGRATE (max_throttle_pct),
      .min = 1,
      .max = 99 },
    { { "bandwidth", 0, "RATE",
        "limit of the stream, such as 100MiB/s or 1Gbit/s (default unlimited)" },
      .builtin = "unlimited",
      .set = set_bandwidth },
    { { "postcopy", 0, "fallback|now|never",
        "let the guest run there before all memory is there (default: fallback where both ends "
        "take it)" },
      .builtin = "(fallback where both ends take it, else never)",
      .set = option_set_choice,
      .offset = MIGRATE (postcopy),
      .min = POSTCOPY_FALLBACK },
    { { "if-stuck", 0, "wait|pause-guest|cancel",
        "what to do when nothing permitted can work (default wait)" },
      .builtin = "wait",
      .set = option_set_choice,
      .offset = MIGRATE (if_stuck),
      .min = QMPMIG_STUCK_WAIT },
    { { "on-success", 0, "quit|keep",
        "what becomes of the source's QEMU (default: quit once the destination was seen running, "
        "else keep)" },
      .builtin = "(quit once the destination was seen running, else keep)",
      .set = option_set_choice,
      .offset = MIGRATE (on_success),
      .min = ON_SUCCESS_QUIT },
    { { "offline", 0, NULL, "stop the guest first, then move it" },
      .builtin = "off",
      .set = option_set_flag,
      .offset = MIGRATE (offline) },
    { { "multifd", 0, "[N]", "send over N channels, 1 to 255 (2 without N)" },
      .builtin = "(not asked for)",
      .set = set_multifd,
      .min = 1,
      .max = 255 },
    { { "compress", 0, "METHOD[:LEVEL]",
        "compress multifd's channels (implies --multifd): zlib, zstd, or what this QEMU has "
        "(default none)" },
      .builtin = "none",
      .set = set_compress },
    { { "xbzrle", 0, "[SIZE]",
        "send differences of pages, with a cache of SIZE, a power of two (QEMU's 64MiB without "
        "SIZE)" },
      .builtin = "(not asked for)",
      .set = set_xbzrle },
    { { "zero-copy", 0, NULL, "send without copying in the kernel (implies --multifd)" },
      .builtin = "off",
      .set = option_set_flag,
      .offset = MIGRATE (zero_copy) },
    { { "throttle", 0, "steer|ramp|off", "how the guest's CPUs are slowed down (default steer)" },
      .builtin = "steer",
      .set = option_set_choice,
      .offset = MIGRATE (throttle),
      .min = THROTTLE_STEER },
    { { "cap", 0, "NAME=on|off", "set a QEMU capability by its name; may be repeated" },
      .builtin = "(none)",
      .set = set_capability,
      .flags = KEY_LIST },
    { { "param", 0, "KEY=VALUE", "set a QEMU migration parameter by its name; may be repeated" },
      .builtin = "(none)",
      .set = set_parameter,
      .flags = KEY_LIST },
    { { "tls", 0, "KIND,dir=DIR[,...]",
        "encrypt: x509,dir=DIR[,hostname=NAME][,authz=ID] or psk,dir=DIR[,hostname=NAME]; with "
        "--libvirt: libvirt[,hostname=NAME]" },
      .builtin = "(none)",
      .set = option_set_tls },
    { { "allow-exec", 0, NULL, "permit exec: URIs, and --policy exec" },
      .builtin = "off",
      .set = option_set_flag,
      .offset = MIGRATE (allow_exec) },
    { { "unsafe", 0, "ITEM,...", "let pass what is named here and would be refused" },
      .builtin = "(none)",
      .set = set_unsafe },
    { { "dry-run", 'n', NULL, "show the plan, change nothing" },
      .builtin = "off",
      .set = option_set_flag,
      .offset = MIGRATE (dry_run),
      .flags = KEY_PER_CALL },
    { { "detach", 0, NULL, "go on in the background once it has started" },
      .builtin = "off",
      .set = option_set_flag,
      .offset = MIGRATE (detach) },
    { { "trace", 0, "FILE|none",
        "where the record of the move goes (default: a file that `qmpmig history` knows)" },
      .builtin = "(in the state directory)",
      .set = set_trace,
      .offset = MIGRATE (trace_file) },
};

static const OptionKey *
find_key (const OptionKey *keys, guint length, const char *name)
{
    for (guint i = 0; i < length; i++)
        if (!strcmp (keys[i].spec.name, name))
            return &keys[i];
    return NULL;
}

static const OptionKey *
find_migrate_key (const char *name)
{
    return find_key (migrate_keys, G_N_ELEMENTS (migrate_keys), name);
}

static gboolean
set_key (const OptionKey *key, gpointer self, const char *name, const char *value, GError **error)
{
    g_autofree char *dashed = g_strconcat ("--", name, NULL);

    if (!key)
        return option_fail (error, dashed, "no such option");
    /* Only flags and options in brackets know what to do without a text. */
    if (!value && key->spec.argument && key->spec.argument[0] != '[')
        return option_fail (error, dashed, "needs %s", key->spec.argument);
    return key->set (key, self, dashed, value, error);
}

/* The texts in brackets are words; the values they stand for are those of the struct's zeros. */
static void
set_builtins (const OptionKey *keys, guint length, gpointer self)
{
    for (guint i = 0; i < length; i++)
        if (keys[i].builtin[0] != '(' &&
            !set_key (&keys[i], self, keys[i].spec.name, keys[i].builtin, NULL))
            g_assert_not_reached ();
}

void
global_options_init (GlobalOptions *self)
{
    *self = (GlobalOptions){ 0 };
    set_builtins (global_keys, G_N_ELEMENTS (global_keys), self);
}

void
global_options_clear (GlobalOptions *self)
{
    g_clear_pointer (&self->socket, qmp_address_free);
    g_clear_pointer (&self->config, g_free);
}

gboolean
global_options_set (GlobalOptions *self, const char *key, const char *value, GError **error)
{
    return set_key (find_key (global_keys, G_N_ELEMENTS (global_keys), key), self, key, value,
                    error);
}

const OptionSpec *
global_options_spec (guint index)
{
    return index < G_N_ELEMENTS (global_keys) ? &global_keys[index].spec : NULL;
}

MigrateOptions *
migrate_options_new (void)
{
    MigrateOptions *self = g_new0 (MigrateOptions, 1);

    self->capabilities = named_values_new ();
    self->parameters = named_values_new ();
    self->given = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
    self->policy_keys = named_values_new ();
    set_builtins (migrate_keys, G_N_ELEMENTS (migrate_keys), self);
    return self;
}

void
migrate_options_free (MigrateOptions *self)
{
    if (!self)
        return;
    g_free (self->uri);
    qmp_address_free (self->dest_socket);
    g_free (self->compress_method);
    g_ptr_array_unref (self->capabilities);
    g_ptr_array_unref (self->parameters);
    g_ptr_array_unref (self->policy_keys);
    g_free (self->policy);
    tls_options_clear (&self->tls);
    g_strfreev (self->unsafe);
    g_free (self->trace_file);
    g_hash_table_unref (self->given);
    g_free (self);
}

gboolean
migrate_options_set (MigrateOptions *self, const char *key, const char *value, GError **error)
{
    const OptionKey *found = find_migrate_key (key);

    if (!set_key (found, self, key, value, error))
        return FALSE;
    g_hash_table_insert (self->given, (gpointer)found->spec.name, g_strdup (value ? value : "on"));
    return TRUE;
}

const OptionSpec *
migrate_options_spec (guint index)
{
    return index < G_N_ELEMENTS (migrate_keys) ? &migrate_keys[index].spec : NULL;
}

gboolean
migrate_options_is_key (const char *key)
{
    const OptionKey *found = find_migrate_key (key);

    return found && !(found->flags & KEY_PER_CALL);
}

gboolean
migrate_options_is_list (const char *key)
{
    const OptionKey *found = find_migrate_key (key);

    return found && (found->flags & KEY_LIST);
}

const char *
migrate_options_builtin (const char *key)
{
    const OptionKey *found = find_migrate_key (key);

    return found ? found->builtin : NULL;
}
