/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/parameter.h"

#include <string.h>

/* NOW as JSON, NULL: the parameter has no value. */
static const struct {
    const char *name, *text, *now, *expected;
} values[] = {
    { "downtime-limit", "300ms", NULL, "300" },
    { "downtime-limit", "1.5 s", "300", "1500" },
    { "max-bandwidth", "1Gbit/s", "0", "125000000" },
    { "max-bandwidth", "unlimited", "1", "0" },
    { "vcpu-dirty-limit", "4MiB/s", "1", "4" },
    { "xbzrle-cache-size", "64MiB", "1", "67108864" },
    { "max-cpu-throttle", "80%", "99", "80" },
    { "max-cpu-throttle", "80", "99", "80" },
    { "multifd-channels", "4", "2", "4" },
    { "cpu-throttle-tailslow", "on", "false", "true" },
    { "tls-creds", "1", "\"\"", "\"1\"" },
    { "multifd-compression", "zstd", "\"none\"", "\"zstd\"" },
    { "x-new-number", "7", NULL, "7" },
    { "x-new-switch", "off", NULL, "false" },
    { "x-new-word", "fast", NULL, "\"fast\"" },
};

static void
a_value_becomes_what_qemu_takes (void)
{
    for (gsize i = 0; i < G_N_ELEMENTS (values); i++) {
        g_autoptr (GError) error = NULL;
        g_autoptr (json_object) now = values[i].now ? json_tokener_parse (values[i].now) : NULL;
        g_autoptr (json_object) value =
            parameter_parse (values[i].name, values[i].text, now, &error);

        g_assert_no_error (error);
        g_assert_cmpstr (json_object_to_json_string_ext (value, JSON_C_TO_STRING_PLAIN), ==,
                         values[i].expected);
    }
}

static const struct {
    const char *name, *text, *now, *words; /* words of the error */
} mistakes[] = {
    { "downtime-limit", "300", NULL, "300ms or 300s" },
    { "downtime-limit", "1500us", NULL, "milliseconds" },
    { "max-bandwidth", "5", NULL, "5MiB/s or 5Mbit/s" },
    { "max-bandwidth", "5MiB", NULL, "5MiB/s" },
    { "avail-switchover-bandwidth", "unlimited", NULL, "cannot be unlimited" },
    { "vcpu-dirty-limit", "1kB/s", NULL, "MiB/s" },
    { "xbzrle-cache-size", "64M", NULL, "64MiB" },
    { "max-cpu-throttle", "120%", NULL, "0 to 100" },
    { "multifd-channels", "many", "2", "whole number" },
    { "cpu-throttle-tailslow", "slow", "false", "neither on nor off" },
};

static void
a_mistake_is_named (void)
{
    for (gsize i = 0; i < G_N_ELEMENTS (mistakes); i++) {
        g_autoptr (GError) error = NULL;
        g_autoptr (json_object) now = mistakes[i].now ? json_tokener_parse (mistakes[i].now) : NULL;

        g_assert_null (parameter_parse (mistakes[i].name, mistakes[i].text, now, &error));
        g_assert_error (error, UNITS_ERROR, 0);
        g_assert_true (g_str_has_prefix (error->message, mistakes[i].name));
        g_assert_nonnull (strstr (error->message, mistakes[i].words));
    }
}

static const struct {
    const char *name, *value, *text;
} texts[] = {
    { "downtime-limit", "300", "300 ms" },
    { "max-bandwidth", "134217728", "128 MiB/s" },
    { "max-bandwidth", "0", "unlimited" },
    { "avail-switchover-bandwidth", "0", "as QEMU measures it" },
    { "vcpu-dirty-limit", "1", "1 MiB/s" },
    { "max-cpu-throttle", "99", "99%" },
    { "multifd-channels", "2", "2" },
    { "direct-io", "false", "off" },
    { "tls-creds", "\"\"", "\"\"" },
    { "mode", "\"normal\"", "normal" },
};

static void
a_value_is_shown_with_its_unit (void)
{
    for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_autoptr (json_object) value = json_tokener_parse (texts[i].value);
        g_autofree char *text = parameter_format (texts[i].name, value);

        g_assert_cmpstr (text, ==, texts[i].text);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/parameter/value-becomes-what-qemu-takes", a_value_becomes_what_qemu_takes);
    g_test_add_func ("/parameter/mistake-is-named", a_mistake_is_named);
    g_test_add_func ("/parameter/value-is-shown-with-its-unit", a_value_is_shown_with_its_unit);
    return g_test_run ();
}
