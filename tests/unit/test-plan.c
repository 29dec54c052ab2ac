/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the plan makes of two QEMUs that report this and that. */
#include <string.h>

#include "agent/migration/capability.h"
#include "agent/migration/error.h"
#include "agent/migration/plan.h"
#include "qmp/value.h"
#include "tests/unit/check.h"

#define MIB ((guint64)1024 * 1024)

/* Two QEMUs 10.0 that report everything we know, but for what a test takes away. */
typedef struct {
    Vm source, destination;
    MigrateOptions *options;
    char *uri;
} Setup;

static json_object *
all_capabilities (void)
{
    static const char *const gone[] = { "block", "compress", NULL };
    json_object *all = json_object_new_object ();

    for (const Capability *c = capability_table; c->name; c++)
        if (!g_strv_contains (gone, c->name))
            json_object_object_add (all, c->name, json_object_new_boolean (FALSE));
    return all;
}

static json_object *
names (const char *list)
{
    g_auto (GStrv) each = g_strsplit (list, " ", -1);
    json_object *all = json_object_new_object ();

    for (guint i = 0; each[i]; i++)
        json_object_object_add (all, each[i], json_object_new_boolean (TRUE));
    return all;
}

static void
init_vm (Vm *vm, End end)
{
    *vm = (Vm){ .end = end,
                .version = (char *)"10.0.2",
                .name = (char *)"web1",
                .machine = (char *)"pc-q35-10.0",
                .ram_bytes = 256 * MIB,
                .run_state = (char *)(end == END_SOURCE ? "running" : "inmigrate"),
                .status_text = (char *)"none" };
    vm->address = qmp_address_parse ("/run/web1.qmp", NULL);
    vm->capabilities = all_capabilities ();
    vm->parameters = json_tokener_parse (
        "{\"max-bandwidth\": 134217728, \"downtime-limit\": 300, \"tls-creds\": \"\","
        " \"multifd-channels\": 2}");
    vm->schema = schema_new (NULL);
    vm->schema->parameters =
        names ("max-bandwidth max-postcopy-bandwidth downtime-limit throttle-trigger-threshold "
               "cpu-throttle-initial cpu-throttle-increment max-cpu-throttle multifd-channels "
               "multifd-compression multifd-zstd-level xbzrle-cache-size announce-rounds "
               "avail-switchover-bandwidth");
    vm->schema->compressions = names ("none zlib zstd");
}

static Setup *
setup_new (void)
{
    Setup *s = g_new0 (Setup, 1);

    init_vm (&s->source, END_SOURCE);
    init_vm (&s->destination, END_DESTINATION);
    s->options = migrate_options_new ();
    s->uri = g_strdup ("tcp:127.0.0.1:4444");
    return s;
}

static void
clear_vm (Vm *vm)
{
    qmp_address_free (vm->address);
    json_object_put (vm->capabilities);
    json_object_put (vm->parameters);
    json_object_put (vm->blocked);
    schema_unref (vm->schema);
}

static void
setup_free (Setup *s)
{
    clear_vm (&s->source);
    clear_vm (&s->destination);
    migrate_options_free (s->options);
    g_free (s->uri);
    g_free (s);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Setup, setup_free)

static void
ask (Setup *s, const char *key, const char *value)
{
    g_autoptr (GError) error = NULL;

    migrate_options_set (s->options, key, value, &error);
    g_assert_no_error (error);
}

static Plan *
plan (const Setup *s, gboolean with_source, gboolean with_destination, GError **error)
{
    g_autoptr (MigrationUri) uri = migration_uri_parse (s->uri, TRUE, error);

    return uri ? plan_new (s->options, uri, with_source ? &s->source : NULL,
                           with_destination ? &s->destination : NULL, error)
               : NULL;
}

static Plan *
good_plan (const Setup *s)
{
    g_autoptr (GError) error = NULL;
    Plan *made = plan (s, TRUE, TRUE, &error);

    g_assert_no_error (error);
    return made;
}

#define assert_refused(s, code, words)                                                             \
    G_STMT_START                                                                                   \
    {                                                                                              \
        g_autoptr (GError) why = NULL;                                                             \
        g_assert_null (plan (s, TRUE, TRUE, &why));                                                \
        g_assert_error (why, MIGRATE_ERROR, code);                                                 \
        check_words (why->message, words);                                                         \
    }                                                                                              \
    G_STMT_END

static void
lack (Vm *vm, const char *capability)
{
    json_object_object_del (vm->capabilities, capability);
}

static void
test_defaults (void)
{
    static const char *const on[] = { "events",        "return-path",  "pause-before-switchover",
                                      "auto-converge", "postcopy-ram", "postcopy-preempt",
                                      "switchover-ack" };
    g_autoptr (Setup) s = setup_new ();
    g_autoptr (Plan) p = good_plan (s);

    for (guint i = 0; i < G_N_ELEMENTS (on); i++)
        g_assert_true (plan_capability (p, END_SOURCE, on[i]));
    g_assert_true (plan_capability (p, END_DESTINATION, "late-block-activate"));
    g_assert_true (plan_capability (p, END_DESTINATION, "postcopy-ram"));
    g_assert_false (plan_capability (p, END_SOURCE, "multifd"));
    g_assert_cmpint (p->postcopy, ==, POSTCOPY_FALLBACK);
    g_assert_true (p->steers_throttle);
}

static void
test_only_reported (void)
{
    g_autoptr (Setup) s = setup_new ();
    g_autoptr (Plan) p = NULL;
    g_autoptr (json_object) arguments = NULL;

    lack (&s->source, "switchover-ack");
    lack (&s->source, "zero-blocks");
    p = good_plan (s);
    arguments = plan_capability_arguments (p, END_SOURCE, FALSE);
    g_assert_null (strstr (json_object_to_json_string (arguments), "switchover-ack"));
    g_assert_null (strstr (json_object_to_json_string (arguments), "zero-blocks"));
    g_assert_false (plan_capability (p, END_DESTINATION, "switchover-ack"));
}

static void
test_alone (void)
{
    g_autoptr (Setup) s = setup_new ();
    g_autoptr (GError) error = NULL;
    g_autoptr (Plan) source = plan (s, TRUE, FALSE, &error);
    g_autoptr (Plan) destination = plan (s, FALSE, TRUE, &error);
    g_autoptr (json_object) arguments = plan_capability_arguments (source, END_SOURCE, FALSE);

    g_assert_no_error (error);
    /* Shared ones stay as found: a source-only postcopy-ram kills the destination. */
    g_assert_null (strstr (json_object_to_json_string (arguments), "postcopy-ram"));
    g_assert_null (strstr (json_object_to_json_string (arguments), "multifd"));
    g_assert_cmpint (source->postcopy, ==, POSTCOPY_NEVER);
    /* On a lone destination it is harmless. */
    g_assert_true (plan_capability (destination, END_DESTINATION, "postcopy-ram"));
}

static void
test_lone_destination_with_multifd (void)
{
    g_autoptr (Setup) s = setup_new ();
    g_autoptr (GError) error = NULL;
    g_autoptr (Plan) p = NULL;

    ask (s, "multifd", "4");
    p = plan (s, FALSE, TRUE, &error);
    g_assert_no_error (error);
    g_assert_false (plan_capability (p, END_DESTINATION, "postcopy-ram"));
}

static void
test_asked_and_missing (void)
{
    g_autoptr (Setup) s = setup_new ();

    lack (&s->destination, "mapped-ram");
    ask (s, "cap", "mapped-ram=on");
    assert_refused (s, EXIT_REFUSED, "destination: QEMU 10.0.2*mapped-ram*");
}

static void
test_source_only_is_not_missed_there (void)
{
    g_autoptr (Setup) s = setup_new ();
    g_autoptr (Plan) p = NULL;

    lack (&s->destination, "auto-converge");
    p = good_plan (s);
    g_assert_true (plan_capability (p, END_SOURCE, "auto-converge"));
}

static void
test_conflicts (void)
{
    static const struct {
        const char *keys[3][2];
        const char *words;
    } cases[] = {
        { { { "multifd", "2" }, { "xbzrle", "" } }, "*multifd*xbzrle*" },
        { { { "zero-copy", "" }, { "xbzrle", "" } }, "*" },
        { { { "multifd", "2" }, { "postcopy", "fallback" } }, "*postcopy*10.1*" },
        { { { "cap", "auto-converge=on" }, { "cap", "dirty-limit=on" } }, "*auto-converge*" },
        { { { "cap", "release-ram=on" }, { "postcopy", "now" } }, "*" },
        { { { "cap", "x-ignore-shared=on" }, { "postcopy", "now" } }, "*" },
        { { { "cap", "background-snapshot=on" } }, "*no move*" },
        { { { "cap", "x-colo=on" } }, "*no move*" },
        { { { "cap", "postcopy-preempt=on" }, { "postcopy", "never" } }, "*postcopy-preempt*" },
        { { { "zero-copy", "" }, { "compress", "zstd" } }, "*zero-copy*" },
        { { { "zero-copy", "" }, { "tls", "psk,dir=/x" } }, "*zero-copy*" },
        { { { "compress", "qpl" } }, "*qpl*" },
        { { { "cap", "mapped-ram=on" } }, "*" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (Setup) s = setup_new ();

        for (guint k = 0; k < 3 && cases[i].keys[k][0]; k++)
            ask (s, cases[i].keys[k][0], cases[i].keys[k][1]);
        assert_refused (s, EXIT_REFUSED, cases[i].words);
    }
}

static void
test_multifd_with_postcopy (void)
{
    g_autoptr (Setup) s = setup_new ();
    g_autoptr (Plan) p = NULL;

    ask (s, "multifd", "4");
    p = good_plan (s);
    g_assert_cmpint (p->postcopy, ==, POSTCOPY_NEVER);
    s->source.schema->has_multifd_postcopy = s->destination.schema->has_multifd_postcopy = TRUE;
    g_clear_pointer (&p, plan_free);
    p = good_plan (s);
    g_assert_cmpint (p->postcopy, ==, POSTCOPY_FALLBACK);
}

static void
test_channels_of_a_policy (void)
{
    g_autoptr (Setup) s = setup_new ();
    g_autoptr (Plan) p = NULL;

    s->options->armed.set = QMPMIG_PLAN_MULTIFD;
    s->options->armed.multifd_channels = 3;
    p = good_plan (s);
    g_assert_false (plan_capability (p, END_SOURCE, "multifd"));
    g_assert_cmpint (p->postcopy, ==, POSTCOPY_FALLBACK);
    s->source.schema->has_multifd_postcopy = s->destination.schema->has_multifd_postcopy = TRUE;
    g_clear_pointer (&p, plan_free);
    p = good_plan (s);
    g_assert_true (plan_capability (p, END_DESTINATION, "multifd"));
    g_assert_cmpint (p->postcopy, ==, POSTCOPY_FALLBACK);
    s->source.schema->has_multifd_postcopy = FALSE;
    ask (s, "postcopy", "never");
    g_clear_pointer (&p, plan_free);
    p = good_plan (s);
    g_assert_true (plan_capability (p, END_SOURCE, "multifd"));
}

static void
test_uris (void)
{
    g_autoptr (Setup) s = setup_new ();
    g_autoptr (GError) error = NULL;
    g_autoptr (Plan) p = NULL;

    g_free (s->uri);
    s->uri = g_strdup ("file:/x");
    assert_refused (s, EXIT_USAGE, "*file*--dest-socket*");
    p = plan (s, TRUE, FALSE, &error);
    g_assert_no_error (error);
    g_assert_false (plan_capability (p, END_SOURCE, "return-path"));
    g_free (s->uri);
    s->uri = g_strdup ("fd:tcp:127.0.0.1:1");
    g_clear_pointer (&p, plan_free);
    p = good_plan (s);
    g_assert_true (plan_capability (p, END_SOURCE, "postcopy-ram"));
    g_assert_false (plan_capability (p, END_SOURCE, "postcopy-preempt"));
    ask (s, "multifd", "2");
    assert_refused (s, EXIT_REFUSED, "multifd: fd:tcp*");
}

static void
test_ends_that_do_not_fit (void)
{
    g_autoptr (Setup) s = setup_new ();
    g_autoptr (Plan) p = NULL;

    s->destination.machine = (char *)"pc-q35-7.2";
    assert_refused (s, EXIT_REFUSED, "machine types differ*pc-q35-10.0*pc-q35-7.2*");
    ask (s, "unsafe", "machine-type");
    p = good_plan (s);
    g_assert_cmpuint (p->warnings->len, ==, 1);
    s->destination.ram_bytes *= 2;
    assert_refused (s, EXIT_REFUSED, "memory sizes differ*256 MiB*512 MiB*");
}

static void
test_states_that_refuse (void)
{
    static const struct {
        const char *source, *destination;
        MigrationStatus from, to;
        const char *words;
    } cases[] = {
        { "running", "running", STATUS_NONE, STATUS_NONE, "destination: QEMU does not wait*" },
        { "running", "inmigrate", STATUS_ACTIVE, STATUS_NONE, "source: a migration of web1*" },
        { "running", "inmigrate", STATUS_NONE, STATUS_FAILED, "destination: an earlier*" },
        { "running", "inmigrate", STATUS_NONE, STATUS_ACTIVE, "destination: a guest is arriving*" },
        { "inmigrate", "inmigrate", STATUS_NONE, STATUS_NONE, "source: web1 is itself*" },
        { "postmigrate", "inmigrate", STATUS_COMPLETED, STATUS_NONE, "source: web1 was moved*" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (Setup) s = setup_new ();

        s->source.run_state = (char *)cases[i].source;
        s->source.status = cases[i].from;
        s->destination.run_state = (char *)cases[i].destination;
        s->destination.status = cases[i].to;
        assert_refused (s, EXIT_REFUSED, cases[i].words);
    }
}

static void
test_blockers (void)
{
    g_autoptr (Setup) s = setup_new ();

    s->source.blocked = json_tokener_parse ("[\"The device vfio is\", \"and this\"]");
    assert_refused (s, EXIT_REFUSED, "*web1 cannot be migrated: The device vfio is; and this");
}

static void
test_limits (void)
{
    g_autoptr (Setup) s = setup_new ();
    g_autoptr (Plan) p = NULL;
    g_autoptr (json_object) set = NULL;

    ask (s, "max-downtime", "300ms");
    ask (s, "max-stall", "90ms");
    p = good_plan (s);
    g_assert_cmpuint (p->max_throttle_pct, ==, 90); /* 90 ms of 90 + 10 ms */
    set = plan_parameter_arguments (p, END_SOURCE, FALSE);
    g_assert_cmpuint (qmp_peek_uint (set, "max-bandwidth", 1), ==, 0);
    g_assert_cmpuint (qmp_peek_uint (set, "downtime-limit", 0), ==, 60);
    g_assert_cmpuint (qmp_peek_uint (set, "max-cpu-throttle", 0), ==, 1);
}

static void
test_put_back (void)
{
    g_autoptr (Setup) s = setup_new ();
    g_autoptr (Plan) p = NULL;
    g_autoptr (json_object) set = NULL;
    g_autoptr (json_object) capabilities = NULL;

    json_object_object_add (s->source.capabilities, "events", json_object_new_boolean (TRUE));
    json_object_object_add (s->source.capabilities, "xbzrle", json_object_new_boolean (TRUE));
    p = good_plan (s);
    g_assert_cmpuint (p->warnings->len, ==, 1); /* xbzrle is turned off */
    set = plan_parameter_arguments (p, END_SOURCE, TRUE);
    g_assert_cmpuint (qmp_peek_uint (set, "max-bandwidth", 0), ==, 134217728);
    capabilities = plan_capability_arguments (p, END_SOURCE, TRUE);
    g_assert_nonnull (strstr (json_object_to_json_string (capabilities), "xbzrle"));
    g_assert_null (strstr (json_object_to_json_string (capabilities), "\"events\""));
}

static void
test_param (void)
{
    g_autoptr (Setup) s = setup_new ();
    g_autoptr (Plan) p = NULL;
    g_autoptr (json_object) set = NULL;

    ask (s, "param", "announce-rounds=7");
    p = good_plan (s);
    set = plan_parameter_arguments (p, END_DESTINATION, FALSE);
    g_assert_cmpuint (qmp_peek_uint (set, "announce-rounds", 0), ==, 7);
    ask (s, "param", "no-such=1");
    assert_refused (s, EXIT_REFUSED, "*no-such*");
}

static void
test_reasons (void)
{
    g_autoptr (Setup) s = setup_new ();
    g_autoptr (Plan) p = good_plan (s);

    for (guint i = 0; i < p->capabilities->len; i++) {
        const PlanCapability *c = g_ptr_array_index (p->capabilities, i);

        g_assert_cmpuint (strlen (c->reason), >, 0);
    }
    for (guint i = 0; i < p->parameters->len; i++) {
        const PlanParameter *c = g_ptr_array_index (p->parameters, i);

        g_assert_cmpuint (strlen (c->reason), >, 0);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/plan/defaults-are-what-both-ends-can", test_defaults);
    check_add ("/plan/only-what-is-reported-is-set", test_only_reported);
    check_add ("/plan/alone-shared-capabilities-stay-as-found", test_alone);
    check_add ("/plan/a-lone-destination-with-multifd-arms-no-postcopy",
               test_lone_destination_with_multifd);
    check_add ("/plan/what-was-asked-for-and-is-missing-names-the-end", test_asked_and_missing);
    check_add ("/plan/a-source-capability-is-not-missed-at-the-destination",
               test_source_only_is_not_missed_there);
    check_add ("/plan/what-does-not-go-together-is-refused", test_conflicts);
    check_add ("/plan/multifd-with-postcopy-needs-both-ends-new", test_multifd_with_postcopy);
    check_add ("/plan/channels-of-a-policy-do-not-cost-postcopy", test_channels_of_a_policy);
    check_add ("/plan/a-uri-limits-what-is-possible", test_uris);
    check_add ("/plan/ends-that-do-not-fit-are-refused", test_ends_that_do_not_fit);
    check_add ("/plan/states-that-refuse", test_states_that_refuse);
    check_add ("/plan/blocked-reasons-are-told", test_blockers);
    check_add ("/plan/limits-become-parameters", test_limits);
    check_add ("/plan/only-what-was-changed-is-put-back", test_put_back);
    check_add ("/plan/param-goes-to-every-end", test_param);
    check_add ("/plan/everything-has-a-reason", test_reasons);
    return g_test_run ();
}
