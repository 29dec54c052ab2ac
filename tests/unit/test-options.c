/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/options.h"
#include "qmp/error.h"
#include "tests/unit/check.h"

static void
set (MigrateOptions *options, const char *key, const char *value)
{
    g_autoptr (GError) error = NULL;

    migrate_options_set (options, key, value, &error);
    g_assert_no_error (error);
}

static void
test_builtin (void)
{
    g_autoptr (MigrateOptions) options = migrate_options_new ();

    g_assert_null (options->uri);
    g_assert_null (options->dest_socket);
    g_assert_cmpuint (options->max_downtime_us, ==, 500000);
    g_assert_cmpuint (options->max_stall_us, ==, 0);
    g_assert_cmpuint (options->deadline_us, ==, 0);
    g_assert_cmpuint (options->max_throttle_pct, ==, 99);
    g_assert_cmpuint (options->bandwidth_bytes_per_s, ==, UNITS_UNLIMITED);
    g_assert_cmpint (options->postcopy, ==, POSTCOPY_AUTO);
    g_assert_cmpint (options->if_stuck, ==, QMPMIG_STUCK_WAIT);
    g_assert_cmpint (options->on_success, ==, ON_SUCCESS_AUTO);
    g_assert_cmpint (options->compress_level, ==, -1);
    g_assert_cmpint (options->throttle, ==, THROTTLE_STEER);
    g_assert_cmpint (options->tls.kind, ==, TLS_NONE);
    g_assert_cmpuint (options->capabilities->len, ==, 0);
    g_assert_null (options->unsafe);
    g_assert_null (options->trace_file);
    g_assert_false (options->no_trace);
}

static void
test_values (void)
{
    g_autoptr (MigrateOptions) options = migrate_options_new ();

    set (options, "dest-socket", "tcp:host:4444");
    set (options, "max-downtime", "2000s");
    set (options, "max-stall", "50 ms");
    set (options, "deadline", "10min");
    set (options, "max-throttle", "80%");
    set (options, "bandwidth", "1Gbit/s");
    set (options, "postcopy", "never");
    set (options, "if-stuck", "pause-guest");
    set (options, "on-success", "keep");
    set (options, "offline", NULL);
    set (options, "zero-copy", "on");
    set (options, "throttle", "ramp");
    set (options, "allow-exec", "");
    set (options, "unsafe", "mirror,vfio");
    set (options, "trace", "/tmp/trace");
    g_assert_cmpint (options->dest_socket->kind, ==, QMP_ADDRESS_TCP);
    g_assert_cmpuint (options->max_downtime_us, ==, 2000000000);
    g_assert_cmpuint (options->max_stall_us, ==, 50000);
    g_assert_cmpuint (options->deadline_us, ==, 600000000);
    g_assert_cmpuint (options->max_throttle_pct, ==, 80);
    g_assert_cmpuint (options->bandwidth_bytes_per_s, ==, 125000000);
    g_assert_cmpint (options->postcopy, ==, POSTCOPY_NEVER);
    g_assert_cmpint (options->if_stuck, ==, QMPMIG_STUCK_PAUSE_GUEST);
    g_assert_cmpint (options->on_success, ==, ON_SUCCESS_KEEP);
    g_assert_true (options->offline && options->zero_copy && options->allow_exec);
    g_assert_cmpint (options->throttle, ==, THROTTLE_RAMP);
    g_assert_cmpstr (options->unsafe[1], ==, "vfio");
    g_assert_cmpstr (options->trace_file, ==, "/tmp/trace");
}

static void
test_last_wins (void)
{
    g_autoptr (MigrateOptions) options = migrate_options_new ();

    set (options, "offline", NULL);
    set (options, "offline", "off");
    set (options, "trace", "/tmp/trace");
    set (options, "trace", "none");
    set (options, "compress", "zstd:3");
    set (options, "compress", "none");
    set (options, "dest-socket", "/a");
    set (options, "dest-socket", "/b");
    g_assert_false (options->offline);
    g_assert_null (options->trace_file);
    g_assert_true (options->no_trace);
    set (options, "trace", "/tmp/trace");
    g_assert_false (options->no_trace);
    g_assert_null (options->compress_method);
    g_assert_cmpint (options->compress_level, ==, -1);
    g_assert_cmpstr (options->dest_socket->path, ==, "/b");
}

static void
test_optional (void)
{
    g_autoptr (MigrateOptions) options = migrate_options_new ();

    set (options, "multifd", NULL);
    g_assert_cmpuint (options->multifd_channels, ==, 2);
    set (options, "multifd", "16");
    g_assert_cmpuint (options->multifd_channels, ==, 16);
    set (options, "xbzrle", NULL);
    g_assert_true (options->xbzrle && options->xbzrle_cache_bytes == 0);
    set (options, "xbzrle", "64MiB");
    g_assert_cmpuint (options->xbzrle_cache_bytes, ==, 64 << 20);
    set (options, "compress", "zlib");
    g_assert_cmpstr (options->compress_method, ==, "zlib");
    set (options, "compress", "zstd:20");
    g_assert_cmpint (options->compress_level, ==, 20);
}

static void
test_lists (void)
{
    g_autoptr (MigrateOptions) options = migrate_options_new ();
    NamedValue *value;

    set (options, "cap", "auto-converge=on");
    set (options, "cap", "events=true");
    set (options, "cap", "auto-converge=no");
    set (options, "param", "max-cpu-throttle=70");
    set (options, "param", "tls-hostname=");
    g_assert_cmpuint (options->capabilities->len, ==, 2);
    value = g_ptr_array_index (options->capabilities, 0);
    g_assert_cmpstr (value->name, ==, "auto-converge");
    g_assert_cmpstr (value->value, ==, "off");
    g_assert_cmpuint (options->parameters->len, ==, 2);
    value = g_ptr_array_index (options->parameters, 1);
    g_assert_cmpstr (value->value, ==, "");
}

static void
test_tls (void)
{
    g_autoptr (MigrateOptions) options = migrate_options_new ();

    set (options, "tls", "x509,dir=/etc/pki/qemu,hostname=h,authz=CN=a,,O=b");
    g_assert_cmpint (options->tls.kind, ==, TLS_X509);
    g_assert_cmpstr (options->tls.dir, ==, "/etc/pki/qemu");
    g_assert_cmpstr (options->tls.hostname, ==, "h");
    g_assert_cmpstr (options->tls.authz, ==, "CN=a,O=b");
    set (options, "tls", "psk,dir=.");
    g_assert_cmpint (options->tls.kind, ==, TLS_PSK);
    g_assert_true (g_path_is_absolute (options->tls.dir));
    g_assert_null (options->tls.hostname);
    g_assert_null (options->tls.authz);
    set (options, "tls", "libvirt,hostname=b.example");
    g_assert_cmpint (options->tls.kind, ==, TLS_LIBVIRT);
    g_assert_null (options->tls.dir);
    g_assert_cmpstr (options->tls.hostname, ==, "b.example");
}

static void
test_libvirt (void)
{
    GlobalOptions options;
    g_autoptr (GError) error = NULL;

    global_options_init (&options);
    g_assert_true (global_options_set (&options, "libvirt", "web1@qemu+ssh://a@b/system", NULL));
    g_assert_cmpstr (options.socket->text, ==, "libvirt:web1@qemu+ssh://a@b/system");
    g_assert_cmpstr (options.socket->domain, ==, "web1");
    g_assert_cmpstr (options.socket->uri, ==, "qemu+ssh://a@b/system");
    g_assert_false (global_options_set (&options, "socket", "/run/x.qmp", &error));
    check_words (error->message, "*either --libvirt or --socket");
    g_clear_error (&error);
    g_assert_false (global_options_set (&options, "libvirt", "@qemu:///system", &error));
    check_words (error->message, "*is not DOMAIN or DOMAIN@URI");
    global_options_clear (&options);
}

static void
test_refused (void)
{
    static const struct {
        const char *key, *value, *words;
    } cases[] = {
        { "max-downtime", "300", "--max-downtime: 300 has no unit: write 300ms or 300s" },
        { "max-downtime", "2001s", "--max-downtime: 2001s is out of range: 1 ms to 33 min 20 s" },
        { "max-downtime", "999us", "*out of range*" },
        { "max-downtime", NULL, "--max-downtime: needs TIME" },
        { "deadline", "0s", "*out of range*" },
        { "max-throttle", "0", "--max-throttle: 0 is out of range: 1% to 99%" },
        { "max-throttle", "100%", "*out of range*" },
        { "bandwidth", "0B/s", "*unlimited*" },
        { "postcopy", "always", "--postcopy: 'always' is not one of fallback|now|never" },
        { "postcopy", "", "*is not one of*" },
        { "if-stuck", "panic", "*is not one of wait|pause-guest|cancel" },
        { "offline", "maybe", "*neither on nor off" },
        { "multifd", "0", "*out of range: 1 to 255" },
        { "multifd", "256", "*out of range: 1 to 255" },
        { "compress", "zstd:21", "*out of range: 0 to 20" },
        { "compress", "none:1", "*no level" },
        { "compress", "", "*not METHOD*" },
        { "compress", "a b", "*not METHOD*" },
        { "xbzrle", "3MiB", "*power of two*" },
        { "xbzrle", "64", "*has no unit*" },
        { "xbzrle", "2KiB", "*power of two*" },
        { "cap", "events", "*NAME=on or NAME=off" },
        { "cap", "=on", "*NAME=on or NAME=off" },
        { "cap", "events=perhaps", "*neither on nor off" },
        { "param", "x", "*not KEY=VALUE" },
        { "tls", "x509", "*needs dir=DIRECTORY" },
        { "tls", "none", "*none of x509, psk and (with --libvirt) libvirt" },
        { "tls", "libvirt,dir=/x", "*'dir=/x' is not known for libvirt" },
        { "tls", "psk,dir=/x,authz=y", "*'authz=y' is not known for psk" },
        { "tls", "x509,dir=/x,verify=no", "*'verify=no' is not known*" },
        { "unsafe", "all", "*no 'all'*" },
        { "unsafe", "a,,b", "*empty item" },
        { "unsafe", "", "*empty item" },
        { "trace", "", "*a file is needed" },
        { "frobnicate", "auto", "--frobnicate: no such option" },
        { "policy", "Auto", "*neither a policy*" },
        { "policy", "auto,fast", "*not KEY=VALUE*" },
        { "policy", "auto,max-downtime=5", "*unit*" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (MigrateOptions) options = migrate_options_new ();
        g_autoptr (GError) error = NULL;

        g_test_message ("%s %s", cases[i].key, cases[i].value);
        g_assert_false (migrate_options_set (options, cases[i].key, cases[i].value, &error));
        g_assert_error (error, UNITS_ERROR, 0);
        check_words (error->message, cases[i].words);
    }
}

static void
test_bad_address (void)
{
    g_autoptr (MigrateOptions) options = migrate_options_new ();
    g_autoptr (GError) error = NULL;

    set (options, "dest-socket", "/kept");
    g_assert_false (migrate_options_set (options, "dest-socket", "tcp:nowhere", &error));
    g_assert_error (error, QMP_ERROR, QMP_ERROR_ADDRESS);
    check_words (error->message, "--dest-socket: *");
    g_assert_cmpstr (options->dest_socket->path, ==, "/kept");
}

static void
test_global (void)
{
    GlobalOptions options;

    global_options_init (&options);
    g_assert_cmpint (options.reply_timeout_us, ==, 10 * G_USEC_PER_SEC);
    g_assert_cmpint (options.color, ==, COLOR_AUTO);
    g_assert_true (global_options_set (&options, "color", "never", NULL));
    g_assert_true (global_options_set (&options, "reply-timeout", "250ms", NULL));
    g_assert_true (global_options_set (&options, "json", NULL, NULL));
    g_assert_true (global_options_set (&options, "config", "/dev/null", NULL));
    g_assert_cmpint (options.color, ==, COLOR_NEVER);
    g_assert_cmpint (options.reply_timeout_us, ==, 250000);
    g_assert_true (options.json);
    g_assert_cmpstr (options.config, ==, "/dev/null");
    global_options_clear (&options);
}

static void
test_keys (void)
{
    g_assert_true (migrate_options_is_key ("max-downtime"));
    g_assert_true (migrate_options_is_key ("cap") && migrate_options_is_list ("cap"));
    g_assert_false (migrate_options_is_list ("max-downtime"));
    g_assert_false (migrate_options_is_key ("dry-run"));
    g_assert_false (migrate_options_is_key ("dest-socket"));
    g_assert_false (migrate_options_is_key ("json"));
    for (guint i = 0; migrate_options_spec (i); i++)
        g_assert_nonnull (migrate_options_builtin (migrate_options_spec (i)->name));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/options/built-in-values-are-those-of-the-manual", test_builtin);
    check_add ("/options/values-are-kept-in-base-units", test_values);
    check_add ("/options/the-last-of-two-wins", test_last_wins);
    check_add ("/options/a-value-in-brackets-may-be-left-out", test_optional);
    check_add ("/options/a-capability-named-twice-is-set-once", test_lists);
    check_add ("/options/tls-takes-what-its-kind-knows", test_tls);
    check_add ("/options/a-guest-of-libvirt-s-instead-of-a-socket", test_libvirt);
    check_add ("/options/a-wrong-value-names-its-option", test_refused);
    check_add ("/options/a-wrong-address-leaves-the-old-one", test_bad_address);
    check_add ("/options/global-options-have-their-own-table", test_global);
    check_add ("/options/what-is-for-one-move-is-no-key-of-a-file", test_keys);
    return g_test_run ();
}
