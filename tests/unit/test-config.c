/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/config-vm.h"
#include "tests/unit/check.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* A folder that stands for /usr/share, /etc and the user's. */
typedef struct {
    char *root, *vendor, *system, *user;
} Tree;

static Tree
tree_make (void)
{
    char *root = g_dir_make_tmp ("qmpmig-config-XXXXXX", NULL);

    g_assert_nonnull (root);
    return (Tree){ .root = root,
                   .vendor = g_build_filename (root, "vendor", NULL),
                   .system = g_build_filename (root, "system", NULL),
                   .user = g_build_filename (root, "user", NULL) };
}

static void
remove_all (const char *path)
{
    g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name (dir))) {
        g_autofree char *child = g_build_filename (path, name, NULL);

        remove_all (child);
    }
    g_remove (path);
}

static void
tree_clear (Tree *self)
{
    remove_all (self->root);
    g_free (self->root);
    g_free (self->vendor);
    g_free (self->system);
    g_free (self->user);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Tree, tree_clear)

static void
put (const char *folder, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_autofree char *parent = g_path_get_dirname (path);

    g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
    g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static Config *
load (const Tree *tree, GError **error)
{
    return config_load_places (&(ConfigPlaces){ .vendor_dir = tree->vendor,
                                                .system_dir = tree->system,
                                                .user_dir = tree->user },
                               error);
}

static MigrateOptions *
apply (const Config *config)
{
    MigrateOptions *options = migrate_options_new ();
    g_autoptr (GError) error = NULL;

    config_apply (config, options, &error);
    g_assert_no_error (error);
    return options;
}

/* Both at once; CONFIG is still asked. */
static MigrateOptions *
load_and_apply (const Tree *tree, Config **ret_config)
{
    *ret_config = load (tree, NULL);
    g_assert_nonnull (*ret_config);
    return apply (*ret_config);
}

static void
test_no_files (void)
{
    g_auto (Tree) tree = tree_make ();
    g_autoptr (Config) config = NULL;
    g_autoptr (MigrateOptions) options = NULL;

    options = load_and_apply (&tree, &config);
    g_assert_cmpuint (options->max_downtime_us, ==, 500000);
}

static void
test_order (void)
{
    g_auto (Tree) tree = tree_make ();
    g_autoptr (Config) config = NULL;
    g_autoptr (MigrateOptions) options = NULL;

    put (tree.vendor, "10.conf", "[defaults]\nmax-downtime=1s\nmax-throttle=10\ndeadline=1h\n");
    put (tree.system, "qmpmig.conf", "[defaults]\nmax-downtime=2s\nmax-throttle=20\n");
    put (tree.system, "qmpmig.conf.d/b.conf", "[defaults]\nmax-throttle=40\n");
    put (tree.system, "qmpmig.conf.d/a.conf", "[defaults]\nmax-throttle=30\n");
    put (tree.system, "qmpmig.conf.d/c.txt", "[defaults]\nmax-throttle=99\n");
    put (tree.user, "qmpmig.conf", "# mine\n[defaults]\nmax-downtime = 3s\noffline=true\n");
    config = load (&tree, NULL);
    g_assert_true (config_give (config, "bandwidth", "1MiB/s", NULL));
    options = apply (config);
    g_assert_cmpuint (options->max_downtime_us, ==, 3000000);
    g_assert_cmpuint (options->max_throttle_pct, ==, 40);
    g_assert_cmpuint (options->deadline_us, ==, 3600000000);
    g_assert_cmpuint (options->bandwidth_bytes_per_s, ==, 1 << 20);
    g_assert_true (options->offline);
}

static void
test_errors (void)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        { "[defaults]\nmax-downtime=300\n", "*qmpmig.conf:2: --max-downtime: 300 has no unit*" },
        { "\n\n[defaults]\n# x\nmax-dontime=1s\n",
          "*:5: unknown key 'max-dontime'; did you mean 'max-downtime'?" },
        { "[defaults]\ndry-run=true\n", "*:2: unknown key 'dry-run'*" },
        { "[defaults]\nmax-throttle = 100\n", "*:2: --max-throttle*out of range*" },
        { "[defaults]\noffline=\n", "*:2: offline has no value" },
        { "[defaults]\nmax-throttle=5\nmax-throttle=500\n", "*:3: --max-throttle*" },
        { "[default]\noffline=on\n", "*:1: unknown section [default]*" },
        { "[policy auto]\nmax-stall=1s\n", "*:2: max-stall is a limit for every policy*" },
        { "[policy auto]\nmargin=\n", "*:2: margin has no value*" },
        { "[defaults]\noffline=on\n[vm]\n", "*:3: unknown section [vm]*" },
        { "[vm flavour:x]\noffline=on\n", "*:1: 'flavour:x' is neither*" },
        { "[vm spec:x]\noffline=on\n", "*:1: 'spec:x' is neither*" },
        { "[agent]\nmode=fight\n", "*:2: mode: 'fight' is neither*" },
        { "[agent]\nmoed=steer\n", "*:2: unknown key 'moed'; did you mean 'mode'?" },
        { "[defaults]\nmode=steer\n", "*:2: unknown key 'mode'*" },
        { "[vm a]\nlink-bandwidth=1GB/s\n", "*:2: unknown key 'link-bandwidth'*" },
        { "[vm a]\nabort=vdsm:0\n", "*:2: abort*" },
        { "[vm web*]\n\nmax-downtime=1\n", "*:3: --max-downtime: 1 has no unit*" },
        { "offline=on\n", "*:1: *" },
        { "[defaults]\noffline\n", "*:2: *" },
        { "[defaults]\ncap=a=on;b\n", "*:2: --cap: 'b' is not NAME=on*" },
        { "[defaults]\ntrace=a\\x\n", "*:2: trace is not UTF-8, or has a wrong escape" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_auto (Tree) tree = tree_make ();
        g_autoptr (Config) config = NULL;
        g_autoptr (GError) error = NULL;

        put (tree.system, "qmpmig.conf", cases[i].text);
        config = load (&tree, &error);
        g_assert_null (config);
        g_assert_error (error, CONFIG_ERROR, 0);
        g_test_message ("%s", error->message);
        check_words (strrchr (error->message, '/'), cases[i].words);
    }
}

static void
test_traits (void)
{
    GHashTable *specs = g_hash_table_new (g_str_hash, g_str_equal);
    const Traits traits = { .name = (char *)"web1", .flavor = (char *)"m1.small", .specs = specs };
    static const struct {
        const char *pattern;
        gboolean matches;
    } cases[] = {
        { "web*", TRUE },         { "db*", FALSE },
        { "flavor:m1.*", TRUE },  { "flavor:m2.*", FALSE },
        { "uuid:0815", FALSE },   { "spec:hw:cpu_policy=dedicated", TRUE },
        { "spec:hw:x=*", FALSE }, { "spec:hw:cpu_policy=shared", FALSE },
    };

    g_hash_table_insert (specs, (gpointer) "hw:cpu_policy", (gpointer) "dedicated");
    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_test_message ("%s", cases[i].pattern);
        g_assert_cmpint (config_pattern_matches (cases[i].pattern, &traits), ==, cases[i].matches);
    }
    g_hash_table_unref (specs);
}

static void
test_agent (void)
{
    const Traits web = { .name = (char *)"web1" }, other = { .name = (char *)"db1" };
    g_auto (Tree) tree = tree_make ();
    g_autoptr (Config) config = NULL;
    g_autoptr (Config) copy = NULL;

    put (tree.system, "qmpmig.conf", "[agent]\nmode=observe\n[vm web*]\nmode=steer\n");
    config = load (&tree, NULL);
    g_assert_nonnull (config);
    copy = config_copy (config);
    g_assert_cmpstr (config_vm_value (copy, &web, "mode"), ==, "steer");
    g_assert_cmpstr (config_vm_value (copy, &other, "mode"), ==, "observe");
    g_assert_null (config_vm_value (copy, &web, "abort"));
}

static void
test_vm (void)
{
    static const char *const uuid = "11111111-aaaa-3333-4444-555555555555";
    static const struct {
        const char *name, *uuid;
        guint64 max_downtime_ms;
    } cases[] = {
        { "web1", NULL, 100 },
        { "web1", "11111111-AAAA-3333-4444-555555555555", 100 },
        { "db", "11111111-AAAA-3333-4444-555555555555", 200 },
        { "db", NULL, 300 },
        { "other", NULL, 900 },
        { NULL, NULL, 900 },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_auto (Tree) tree = tree_make ();
        g_autoptr (Config) config = NULL;
        g_autoptr (MigrateOptions) options = NULL;
        g_autofree char *by_uuid = g_strdup_printf ("[vm uuid:%s]\nmax-downtime=200ms\n", uuid);

        put (tree.vendor, "x.conf", "[vm w*]\nmax-downtime=400ms\n");
        put (tree.system, "qmpmig.conf",
             "[defaults]\nmax-downtime=900ms\n[vm db]\nmax-downtime=300ms\n");
        put (tree.system, "qmpmig.conf.d/z.conf", by_uuid);
        put (tree.user, "qmpmig.conf", "[vm w?b*]\nmax-downtime=100ms\n");
        config = load (&tree, NULL);
        g_assert_nonnull (config);
        options = apply (config);
        g_assert_true (config_apply_vm (config, options, cases[i].name, cases[i].uuid, NULL));
        g_assert_cmpuint (options->max_downtime_us, ==, cases[i].max_downtime_ms * 1000);
    }
}

static void
test_command_line_wins (void)
{
    g_auto (Tree) tree = tree_make ();
    g_autoptr (Config) config = NULL;
    g_autoptr (MigrateOptions) options = NULL;
    NamedValue *capability;

    put (tree.user, "qmpmig.conf",
         "[defaults]\nmax-downtime=1s\ncap=a=on;b=on\n[vm *]\nmax-downtime=2s\nmax-throttle=7\n"
         "cap=a=off;c=on\n");
    config = load (&tree, NULL);
    g_assert_true (config_give (config, "max-downtime", "3s", NULL));
    g_assert_true (config_give (config, "cap", "c=off", NULL));
    options = apply (config);
    g_assert_cmpuint (options->max_downtime_us, ==, 3000000);
    g_assert_true (config_apply_vm (config, options, "x", NULL, NULL));
    g_assert_cmpuint (options->max_downtime_us, ==, 3000000);
    g_assert_cmpuint (options->max_throttle_pct, ==, 7);
    g_assert_cmpuint (options->capabilities->len, ==, 3);
    capability = g_ptr_array_index (options->capabilities, 0);
    g_assert_cmpstr (capability->value, ==, "off"); /* [vm *] over [defaults] */
    capability = g_ptr_array_index (options->capabilities, 2);
    g_assert_cmpstr (capability->name, ==, "c");
    g_assert_cmpstr (capability->value, ==, "off");
}

static void
test_one_file (void)
{
    g_auto (Tree) tree = tree_make ();
    g_autoptr (Config) config = NULL;
    g_autoptr (Config) nothing = config_load ("/dev/null", NULL);
    g_autoptr (GError) error = NULL;
    g_autofree char *path = NULL;

    put (tree.user, "own.conf", "[defaults]\nmax-downtime=1s\n");
    path = g_build_filename (tree.user, "own.conf", NULL);
    config = config_load (path, NULL);
    g_assert_nonnull (config);
    g_assert_nonnull (nothing);
    g_assert_cmpuint (config_values (config)->len, ==, 1);
    g_assert_null (config_load (tree.user, &error)); /* a folder */
    g_assert_error (error, CONFIG_ERROR, 0);
    g_clear_error (&error);
    g_remove (path);
    g_assert_null (config_load (path, &error)); /* asked for, so it must be there */
    g_assert_error (error, CONFIG_ERROR, 0);
}

static void
test_origin (void)
{
    g_auto (Tree) tree = tree_make ();
    g_autoptr (Config) config = NULL;
    const ConfigValue *value;

    put (tree.user, "qmpmig.conf", "\n[defaults]\n\noffline=on\n");
    config = load (&tree, NULL);
    g_assert_true (config_give (config, "offline", NULL, NULL));
    value = g_ptr_array_index (config_values (config), 0);
    g_assert_true (g_str_has_suffix (value->origin, "/user/qmpmig.conf:4"));
    value = g_ptr_array_index (config_values (config), 1);
    g_assert_cmpstr (value->origin, ==, "command line");
}

/* Keys of its own come from the files when a policy is chosen, wherever that was; those given with
 * its name stand above. */
static void
test_policy_sections (void)
{
    g_auto (Tree) tree = tree_make ();
    g_autoptr (Config) config = NULL;
    g_autoptr (MigrateOptions) options = NULL;

    put (tree.system, "qmpmig.conf", "[policy x]\na=1\nb=1\nc=1\n[policy y]\na=9\n");
    put (tree.user, "qmpmig.conf", "[vm db*]\npolicy=x,c=3\n[policy x]\nb=2\n");
    options = load_and_apply (&tree, &config);
    g_assert_true (config_apply_vm (config, options, "web", NULL, NULL));
    g_assert_cmpuint (options->policy_keys->len, ==, 0);
    g_assert_true (config_apply_vm (config, options, "db1", NULL, NULL));
    g_assert_cmpstr (named_value_find (options->policy_keys, "a")->value, ==, "1");
    g_assert_cmpstr (named_value_find (options->policy_keys, "b")->value, ==, "2");
    g_assert_cmpstr (named_value_find (options->policy_keys, "c")->value, ==, "3");
    g_assert_true (
        g_str_has_suffix (named_value_find (options->policy_keys, "a")->origin, "qmpmig.conf:2"));
    g_assert_null (named_value_find (options->policy_keys, "c")->origin);
}

static void
test_policy_of_environment (void)
{
    g_auto (Tree) tree = tree_make ();
    g_autoptr (Config) config = NULL;
    g_autoptr (Config) nonsense = NULL;
    g_autoptr (MigrateOptions) options = NULL;
    g_autoptr (GError) error = NULL;

    put (tree.user, "qmpmig.conf", "[defaults]\npolicy=file\n[vm *]\npolicy=vm\n");
    config = load (&tree, NULL);
    g_setenv ("QMPMIG_POLICY", "env,max-downtime=1s", TRUE);
    g_assert_true (config_read_environment (config, NULL));
    /* No conflict: the line is stronger. */
    g_assert_true (config_give (config, "max-downtime", "2s", NULL));
    options = apply (config);
    g_assert_true (config_apply_vm (config, options, "web", NULL, NULL));
    g_assert_cmpstr (options->policy, ==, "env");
    g_assert_cmpuint (options->max_downtime_us, ==, 2000000);
    g_setenv ("QMPMIG_POLICY", "No Name", TRUE);
    nonsense = load (&tree, NULL);
    g_assert_false (config_read_environment (nonsense, &error));
    g_assert_true (g_str_has_prefix (error->message, "QMPMIG_POLICY: "));
    g_unsetenv ("QMPMIG_POLICY");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/config/without-files-the-built-in-values-hold", test_no_files);
    check_add ("/config/a-nearer-file-wins", test_order);
    check_add ("/config/a-mistake-is-told-with-file-and-line", test_errors);
    check_add ("/config/the-first-section-that-matches-a-vm-counts", test_vm);
    check_add ("/config/vms-are-known-by-flavor-and-specs-too", test_traits);
    check_add ("/config/what-the-service-heeds-is-of-the-vm-first", test_agent);
    check_add ("/config/no-section-overrides-the-command-line", test_command_line_wins);
    check_add ("/config/a-file-that-was-asked-for-replaces-the-others", test_one_file);
    check_add ("/config/each-value-knows-where-it-came-from", test_origin);
    check_add ("/config/a-policy-has-keys-of-its-own", test_policy_sections);
    check_add ("/config/the-environment-stands-above-every-file", test_policy_of_environment);
    return g_test_run ();
}
