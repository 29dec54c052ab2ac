/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <locale.h>

#include "agent/units.h"
#include "tests/unit/check.h"

typedef gboolean (*Parse) (const char *name, const char *text, guint64 *ret_value, GError **error);

typedef struct {
    const char *text;
    guint64 value;
} Good;

typedef struct {
    const char *text;
    const char *words; /* of the error, a glob */
} Bad;

static void
check_good (Parse parse, const Good *cases, gsize count)
{
    for (gsize i = 0; i < count; i++) {
        guint64 value = 7;
        g_autoptr (GError) error = NULL;

        g_test_message ("%s", cases[i].text);
        g_assert_true (parse ("--x", cases[i].text, &value, &error));
        g_assert_no_error (error);
        g_assert_cmpuint (value, ==, cases[i].value);
    }
}

static void
check_bad (Parse parse, const Bad *cases, gsize count)
{
    for (gsize i = 0; i < count; i++) {
        guint64 value = 7;
        g_autoptr (GError) error = NULL;

        g_test_message ("%s", cases[i].text);
        g_assert_false (parse ("--x", cases[i].text, &value, &error));
        g_assert_error (error, UNITS_ERROR, 0);
        check_words (error->message, cases[i].words);
        g_assert_cmpuint (value, ==, 7); /* written on success only */
    }
}

#define CHECK_GOOD(parse, cases) check_good (parse, cases, G_N_ELEMENTS (cases))
#define CHECK_BAD(parse, cases)  check_bad (parse, cases, G_N_ELEMENTS (cases))

static void
test_time (void)
{
    static const Good good[] = {
        { "300ms", 300000 },
        { "300 ms", 300000 },
        { " 0.5 s ", 500000 },
        { ".5s", 500000 },
        { "2min", 120000000 },
        { "1.5h", 5400000000 },
        { "7us", 7 },
        { "0ms", 0 },
        { "2 min 05 s", 125000000 },
        { "1h 2min 3s 4ms 5us", 3723004005 },
        { "1h2min", 3720000000 },
    };
    static const Bad bad[] = {
        { "300", "--x: 300 has no unit: write 300ms or 300s" },
        { "0.3", "--x: 0.3 has no unit: write 0.3ms or 0.3s" },
        { "5m", "--x: 5m is ambiguous: write 5min or 5ms" },
        { "5M", "--x: 5M is ambiguous: write 5min or 5ms" },
        { "5sec", "*unknown unit 'sec'*us, ms, s, min or h" },
        { "5S", "*unknown unit 'S'*" },
        { "-5s", "*is negative" },
        { "nan", "*not a number" },
        { "inf s", "*not a number" },
        { "", "*not a number" },
        { "s", "*not a number" },
        { "1.2.3s", "*not a number" },
        { "1e3s", "*unknown unit 'e'*" },
        { "0x10s", "*unknown unit 'x'*" },
        { "1,5s", "*unknown unit ','*" },
        { "5s extra", "*not a number" },
        { "5s 3min", "*largest unit down" },
        { "5s 3s", "*largest unit down" },
        { "99999999999999999999h", "*too large" },
        { "0.1us", "*too small" },
    };

    CHECK_GOOD (units_parse_time, good);
    CHECK_BAD (units_parse_time, bad);
}

static void
test_size (void)
{
    static const Good good[] = {
        { "64MiB", 64 << 20 },  { "1.5GiB", 3 << 29 },     { "1 TiB", 1ULL << 40 },
        { "1KiB", 1024 },       { "1kB", 1000 },           { "1MB", 1000000 },
        { "2 GB", 2000000000 }, { "1TB", 1000000000000 },  { "512B", 512 },
        { "0.5KiB", 512 },      { "1024TiB", 1ULL << 50 },
    };
    static const Bad bad[] = {
        { "100", "--x: 100 has no unit: write 100MiB or 100MB" },
        { "100M", "--x: 100M is ambiguous: write 100MiB (104857600 B) or 100MB (100000000 B)" },
        { "4k", "--x: 4k is ambiguous: write 4KiB (4096 B) or 4kB (4000 B)" },
        { "4KB", "--x: 4KB is ambiguous: write 4KiB (4096 B) or 4kB (4000 B)" },
        { "1g", "--x: 1g is ambiguous: write 1GiB (1073741824 B) or 1GB (1000000000 B)" },
        { "1gib", "*is ambiguous*" },
        { "1 TiB extra", "*unexpected 'extra'*" },
        { "1PiB", "*unknown unit 'PiB'*" },
        { "1 2KiB", "*unexpected '2KiB'*" },
        { "-1KiB", "*negative" },
        { "9999999999TiB", "*too large" },
    };

    CHECK_GOOD (units_parse_size, good);
    CHECK_BAD (units_parse_size, bad);
}

static void
test_rate (void)
{
    static const Good good[] = {
        { "unlimited", UNITS_UNLIMITED },
        { "100MiB/s", 104857600 },
        { "100Mbit/s", 12500000 },
        { "1 Gbit/s", 125000000 },
        { "8kbit/s", 1000 },
        { "1GB/s", 1000000000 },
        { "12 B/s", 12 },
        { "2.5Gbit/s", 312500000 },
    };
    static const Bad bad[] = {
        { "100", "--x: 100 has no unit: write 100MiB/s or 100Mbit/s" },
        { "100M",
          "--x: 100M is ambiguous: write 100MiB/s (104857600 B/s) or 100Mbit/s (12500000 B/s)" },
        { "1G", "*write 1GiB/s (1073741824 B/s) or 1Gbit/s (125000000 B/s)" },
        { "5k", "*write 5KiB/s (5120 B/s) or 5kbit/s (625 B/s)" },
        { "100Mb/s", "*ambiguous*" },
        { "100Mbps", "*ambiguous*" },
        { "100MiB", "--x: 100MiB is a size: write 100MiB/s" },
        { "100 furlongs", "*unknown unit 'furlongs'*" },
        { "Unlimited", "*not a number" },
        { "unlimited please", "*not a number" },
        { "-1MiB/s", "*negative" },
    };

    CHECK_GOOD (units_parse_rate, good);
    CHECK_BAD (units_parse_rate, bad);
}

static gboolean
parse_percent (const char *name, const char *text, guint64 *ret_value, GError **error)
{
    guint pct;

    if (!units_parse_percent (name, text, &pct, error))
        return FALSE;
    *ret_value = pct;
    return TRUE;
}

static void
test_percent (void)
{
    static const Good good[] = {
        { "80%", 80 }, { "80", 80 }, { "80 %", 80 }, { "0", 0 }, { "100%", 100 }
    };
    static const Bad bad[] = {
        { "101%", "*out of range: 0 to 100" }, { "8.5%", "*whole percentage*" },
        { "%", "*whole percentage*" },         { "-1%", "*whole percentage*" },
        { "80%%", "*whole percentage*" },      { "99999999999999999999", "*out of range*" },
    };

    CHECK_GOOD (parse_percent, good);
    CHECK_BAD (parse_percent, bad);
}

static gboolean
parse_small (const char *name, const char *text, guint64 *ret_value, GError **error)
{
    return units_parse_uint (name, text, 1, 255, ret_value, error);
}

static void
test_uint (void)
{
    static const Good good[] = { { "1", 1 }, { "255", 255 }, { "007", 7 } };
    static const Bad bad[] = {
        { "0", "--x: 0 is out of range: 1 to 255" },
        { "256", "*out of range*" },
        { "", "*not a whole number" },
        { "+1", "*not a whole number" },
        { "1 ", "*not a whole number" },
        { "0x1", "*not a whole number" },
    };

    CHECK_GOOD (parse_small, good);
    CHECK_BAD (parse_small, bad);
}

static void
test_bool (void)
{
    static const char *const yes[] = { "on", "yes", "true", "1" };
    static const char *const no[] = { "off", "no", "false", "0" };
    g_autoptr (GError) error = NULL;
    gboolean value;

    for (guint i = 0; i < G_N_ELEMENTS (yes); i++)
        g_assert_true (units_parse_bool ("--x", yes[i], &value, NULL) && value);
    for (guint i = 0; i < G_N_ELEMENTS (no); i++)
        g_assert_true (units_parse_bool ("--x", no[i], &value, NULL) && !value);
    g_assert_false (units_parse_bool ("--x", "On", &value, &error));
    check_words (error->message, "--x: 'On' is neither on nor off");
}

typedef char *(*Format) (guint64 value);

static void
check_format (Format format, guint64 value, const char *expected)
{
    g_autofree char *text = format (value);

    g_assert_cmpstr (text, ==, expected);
}

static void
test_format (void)
{
    static const struct {
        Format format;
        guint64 value;
        const char *text;
    } cases[] = {
        { units_format_time, 0, "0 us" },
        { units_format_time, 999, "999 us" },
        { units_format_time, 1000, "1 ms" },
        { units_format_time, 347000, "347 ms" },
        { units_format_time, 12340, "12.3 ms" },
        { units_format_time, 999499, "999 ms" },
        { units_format_time, 999500, "1 s" },
        { units_format_time, 4210000, "4.21 s" },
        { units_format_time, 59949999, "59.9 s" },
        { units_format_time, 59950000, "1 min 00 s" },
        { units_format_time, 125000000, "2 min 05 s" },
        { units_format_time, 3599600000, "1 h 00 min" },
        { units_format_time, 3600000000, "1 h 00 min" },
        { units_format_time, 3659000000, "1 h 01 min" },
        { units_format_size, 0, "0 B" },
        { units_format_size, 1023, "1023 B" },
        { units_format_size, 1024, "1 KiB" },
        { units_format_size, 5 << 28, "1.25 GiB" },
        { units_format_size, (1 << 20) - 1, "1 MiB" },
        { units_format_size, G_MAXUINT64, "16777216 TiB" },
        { units_format_rate, 50541363, "48.2 MiB/s" },
        { units_format_rate, UNITS_UNLIMITED, "unlimited" },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
        check_format (cases[i].format, cases[i].value, cases[i].text);
}

static void
test_round_trip (void)
{
    for (guint64 value = 1; value < 1ULL << 50; value = value * 3 + 1) {
        g_autofree char *time = units_format_time (value);
        g_autofree char *size = units_format_size (value);
        g_autofree char *rate = units_format_rate (value);
        guint64 back;

        g_assert_true (units_parse_time ("x", time, &back, NULL));
        g_assert_cmpfloat_with_epsilon ((double)back / (double)value, 1, 0.01);
        g_assert_true (units_parse_size ("x", size, &back, NULL));
        g_assert_cmpfloat_with_epsilon ((double)back / (double)value, 1, 0.01);
        g_assert_true (units_parse_rate ("x", rate, &back, NULL));
        g_assert_cmpfloat_with_epsilon ((double)back / (double)value, 1, 0.01);
    }
}

int
main (int argc, char **argv)
{
    setlocale (LC_ALL, "");
    g_test_init (&argc, &argv, NULL);
    check_add ("/units/a-time-without-its-unit-shows-both-readings", test_time);
    check_add ("/units/a-bare-M-of-bytes-is-ambiguous", test_size);
    check_add ("/units/a-bare-M-of-a-rate-is-ambiguous", test_rate);
    check_add ("/units/a-percentage-may-lack-its-sign", test_percent);
    check_add ("/units/a-number-has-its-range", test_uint);
    check_add ("/units/on-and-off-have-few-names", test_bool);
    check_add ("/units/three-digits-are-printed", test_format);
    check_add ("/units/what-is-printed-can-be-read-back", test_round_trip);
    return g_test_run ();
}
