/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

#include "agent/steering/trace-file.h"
#include "agent/steering/trace-folder.h"
#include "agent/steering/trace-thinning.h"
#include "agent/steering/trace.h"
#include "qmp/value.h"
#include "tests/unit/check.h"

#define ID "web1-20261122T100000Z-0a1b"

/* -- Thinning -- */

static json_object *
line_of (const char *type, const char *status)
{
    json_object *line =
        qmp_object ("type", json_object_new_string (type), "t_us", json_object_new_int (7), "id",
                    json_object_new_string (ID), NULL);

    if (status)
        json_object_object_add (line, "status", json_object_new_string (status));
    return line;
}

typedef struct {
    guint kept, notices;
} Kept;

/* COUNT lines of 100 bytes each. */
static Kept
feed (TraceThinning *thinning, const char *type, const char *status, guint count)
{
    Kept kept = { 0 };

    for (guint i = 0; i < count; i++) {
        g_autoptr (json_object) line = line_of (type, status);
        g_autofree char *notice = NULL;
        gboolean takes = trace_thinning_takes (thinning, line, 100, &notice);

        kept.kept += takes;
        kept.notices += notice != NULL;
        thinning->bytes += takes ? 100 : 0;
    }
    return kept;
}

static const TraceBounds small = {
    .from_bytes = 10000, .step_bytes = 2000, .max_bytes = 20000, .reserve_bytes = 1000
};

static void
test_all_samples_of_a_short_one (void)
{
    TraceThinning thinning;

    trace_thinning_init (&thinning, &small, 0);
    g_assert_cmpuint (feed (&thinning, "sample", "active", 100).kept, ==, 100);
    trace_thinning_clear (&thinning);
}

static void
test_samples_are_thinned (void)
{
    TraceThinning thinning;
    Kept kept;

    trace_thinning_init (&thinning, &small, 10000);
    kept = feed (&thinning, "sample", "active", 41); /* the first is a change of status */
    g_assert_cmpuint (kept.kept, ==, 21);
    g_assert_cmpuint (kept.notices, ==, 2); /* every 2nd, and with the last one every 4th */
    kept = feed (&thinning, "sample", "active", 80);
    g_assert_cmpuint (kept.kept, ==, 20);
    trace_thinning_clear (&thinning);
}

static void
test_what_was_decided_is_not_thinned (void)
{
    static const char *const types[] = { "event", "advice", "applied", "notice" };
    TraceThinning thinning;

    trace_thinning_init (&thinning, &small, 12000);
    feed (&thinning, "sample", "active", 1);
    for (guint i = 0; i < G_N_ELEMENTS (types); i++)
        g_assert_cmpuint (feed (&thinning, types[i], NULL, 10).kept, ==, 10);
    trace_thinning_clear (&thinning);
}

static void
test_a_new_status_is_kept (void)
{
    TraceThinning thinning;

    trace_thinning_init (&thinning, &small, 16000);
    feed (&thinning, "sample", "active", 2);
    g_assert_cmpuint (feed (&thinning, "sample", "active", 1).kept, ==, 0);
    g_assert_cmpuint (feed (&thinning, "sample", "pre-switchover", 1).kept, ==, 1);
    trace_thinning_clear (&thinning);
}

static void
test_it_never_outgrows_its_bound (void)
{
    TraceThinning thinning;
    Kept kept;

    trace_thinning_init (&thinning, &small, 18850);
    kept = feed (&thinning, "event", NULL, 10);
    g_assert_cmpuint (kept.kept, ==, 1);
    g_assert_cmpuint (kept.notices, ==, 1);
    g_assert_cmpuint (feed (&thinning, "result", NULL, 1).kept, ==, 1);
    g_assert_cmpuint (thinning.bytes, <=, small.max_bytes);
    trace_thinning_clear (&thinning);
}

/* Ten samples a second of 1200 bytes: five days fit. */
static void
test_five_days_fit (void)
{
    TraceThinning thinning;
    g_autoptr (json_object) line = line_of ("sample", "active");

    /* As many bytes as ten samples a second have, in a tenth of the lines. */
    trace_thinning_init (&thinning, &trace_bounds, 0);
    for (guint i = 0; i < 5 * 24 * 3600; i++) {
        g_autofree char *notice = NULL;

        if (trace_thinning_takes (&thinning, line, 12000, &notice))
            thinning.bytes += 12000;
    }
    g_assert_false (thinning.full);
    g_assert_cmpuint (thinning.bytes, >, trace_bounds.from_bytes);
    trace_thinning_clear (&thinning);
}

/* -- Files -- */

static char *
folder (void)
{
    return g_build_filename (getenv ("STATE_DIRECTORY"), "traces", NULL);
}

static char *
path_of (const char *name)
{
    g_autofree char *dir = folder ();

    return g_build_filename (dir, name, NULL);
}

static void
clear_folder (void)
{
    g_autofree char *dir = folder ();
    g_autoptr (GDir) opened = g_dir_open (dir, 0, NULL);
    const char *name;

    while (opened && (name = g_dir_read_name (opened))) {
        g_autofree char *path = path_of (name);

        g_unlink (path);
    }
}

static json_object *
header_of (const char *role)
{
    json_object *header = line_of ("header", NULL);

    json_object_object_add (header, "format", json_object_new_string ("qmpmig-1"));
    json_object_object_add (header, "role", json_object_new_string (role));
    return header;
}

static char *
write_line (Trace *trace, json_object *line)
{
    g_autofree char *text = qmp_message_text (line);

    return trace_line (trace, line, text);
}

static void
put (Trace *trace, json_object *line)
{
    g_autoptr (json_object) owned = line;
    g_autofree char *trouble = write_line (trace, owned);

    g_assert_null (trouble);
}

static void
assert_state (const char *name, TraceState state)
{
    g_auto (TraceFile) file = { 0 };
    g_autoptr (GError) error = NULL;
    g_autofree char *path = path_of (name);

    trace_file_read (path, &file, &error);
    g_assert_no_error (error);
    g_assert_cmpint (file.state, ==, state);
    g_assert_cmpint (file.result != NULL, ==, state == TRACE_ENDED);
}

static void
test_to_the_end (void)
{
    Trace *trace = trace_new ();

    clear_folder ();
    put (trace, line_of ("notice", NULL)); /* before the header nobody knows where to */
    put (trace, header_of ("migrate"));
    assert_state (ID ".jsonl", TRACE_RUNNING);
    put (trace, line_of ("result", NULL));
    assert_state (ID ".jsonl", TRACE_ENDED);
    trace_free (trace);
    assert_state (ID ".jsonl", TRACE_ENDED);
}

static void
test_the_receiving_end_has_its_own (void)
{
    Trace *trace = trace_new ();

    clear_folder ();
    put (trace, header_of ("incoming"));
    trace_free (trace);
    assert_state (ID "-in.jsonl", TRACE_LEFT);
    trace = trace_new ();
    put (trace, header_of ("recover"));
    put (trace, line_of ("result", NULL));
    trace_free (trace);
    assert_state (ID "-in.jsonl", TRACE_ENDED);
}

static void
append_text (const char *name, const char *text)
{
    g_autofree char *path = path_of (name);
    FILE *file = fopen (path, "a");

    fputs (text, file);
    fclose (file);
}

static void
test_recover_goes_on_behind_the_last_whole_line (void)
{
    Trace *trace = trace_new ();
    g_autofree char *path = path_of (ID ".jsonl");
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;

    clear_folder ();
    put (trace, header_of ("migrate"));
    trace_free (trace);
    append_text (ID ".jsonl", "{\"type\": \"result\", \"outc");
    assert_state (ID ".jsonl", TRACE_LEFT);
    trace = trace_new ();
    put (trace, header_of ("recover"));
    put (trace, line_of ("result", NULL));
    trace_free (trace);
    assert_state (ID ".jsonl", TRACE_ENDED);
    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    lines = g_strsplit (text, "\n", -1);
    g_assert_cmpuint (g_strv_length (lines), ==, 4);
    for (guint i = 0; i < 3; i++) {
        g_autoptr (json_object) line = json_tokener_parse (lines[i]);

        g_assert_nonnull (line);
    }
}

static void
test_one_that_another_writes_is_left_alone (void)
{
    g_autoptr (Trace) trace = trace_new ();
    g_autoptr (Trace) other = trace_new ();
    g_autoptr (json_object) header = header_of ("migrate");
    g_autofree char *trouble = NULL;

    clear_folder ();
    put (trace, header_of ("migrate"));
    trouble = write_line (other, header);
    check_words (trouble, "*not complete*another qmpmig writes it*");
    put (other, line_of ("sample", "active")); /* told once */
    assert_state (ID ".jsonl", TRACE_RUNNING);
}

static void
test_a_full_disk_is_told_once (void)
{
    g_autoptr (Trace) trace = trace_new_file ("/dev/full", NULL);
    g_autoptr (json_object) header = header_of ("migrate");
    g_autofree char *trouble = write_line (trace, header);

    check_words (trouble, "*not complete*/dev/full*No space left*");
    put (trace, line_of ("sample", "active"));
    put (trace, line_of ("result", NULL));
}

static void
test_what_is_no_trace_is_refused (void)
{
    static const char *const texts[] = { "",
                                         "{}",
                                         "{}\n",
                                         "hello\n",
                                         "[1]\n",
                                         "{\"type\":\"header\"}\n",
                                         "{\"type\":\"header\",\"format\":\"qmpmig-1\"}" };

    clear_folder ();
    for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_auto (TraceFile) file = { 0 };
        g_autoptr (GError) error = NULL;
        g_autofree char *path = path_of ("foreign");

        g_assert_true (g_file_set_contents (path, texts[i], -1, NULL));
        g_assert_false (trace_file_read (path, &file, &error));
        check_words (error->message, "*foreign: not a trace*");
    }
}

/* -- The folder -- */

/* A trace of so many minutes ago. */
static char *
old_trace (guint minutes, const char *text)
{
    g_autofree char *name =
        g_strdup_printf ("vm-20261122T%02u%02u00Z-0000.jsonl", minutes / 60, minutes % 60);
    char *path = path_of (name);
    struct utimbuf times = { .modtime = time (NULL) - minutes * 60 };

    g_assert_true (g_file_set_contents (path, text, -1, NULL));
    times.actime = times.modtime;
    utime (path, &times);
    return path;
}

#define HEADER "{\"type\":\"header\",\"format\":\"qmpmig-1\",\"t_us\":0}\n"
#define RESULT "{\"type\":\"result\",\"t_us\":1}\n"

static guint
count_after (TraceQuota quota)
{
    g_autofree char *dir = folder ();
    g_autoptr (GPtrArray) left = NULL;

    trace_folder_prune (dir, &quota);
    left = trace_folder_list (dir, NULL, NULL);
    return left->len;
}

#define MINUTES(n) ((n)*G_TIME_SPAN_MINUTE)

static void
test_the_oldest_go (void)
{
    g_autofree char *kept = NULL;

    clear_folder ();
    append_text ("notes.txt", "mine");
    for (guint i = 10; i < 20; i++)
        g_free (old_trace (i, HEADER RESULT));
    kept = old_trace (9, HEADER RESULT);
    g_assert_cmpuint (count_after ((TraceQuota){ 11, 1 << 20, MINUTES (1) }), ==, 11);
    g_assert_cmpuint (count_after ((TraceQuota){ 4, 1 << 20, MINUTES (1) }), ==, 4);
    g_assert_cmpuint (count_after ((TraceQuota){ 4, strlen (HEADER RESULT), MINUTES (1) }), ==, 1);
    g_assert_true (g_file_test (kept, G_FILE_TEST_EXISTS));
    g_free (kept);
    kept = path_of ("notes.txt");
    g_assert_true (g_file_test (kept, G_FILE_TEST_EXISTS));
}

static void
test_one_without_a_result_waits_for_recover (void)
{
    clear_folder ();
    g_free (old_trace (30, HEADER));
    g_free (old_trace (20, HEADER));
    g_free (old_trace (10, HEADER RESULT));
    g_assert_cmpuint (count_after ((TraceQuota){ 0, 0, MINUTES (25) }), ==, 1);
    g_assert_cmpuint (count_after ((TraceQuota){ 0, 0, MINUTES (15) }), ==, 0);
}

static void
test_one_that_is_written_never_goes (void)
{
    g_autoptr (Trace) trace = trace_new ();

    clear_folder ();
    put (trace, header_of ("migrate"));
    g_assert_cmpuint (count_after ((TraceQuota){ 0, 0, -MINUTES (1) }), ==, 1);
    g_clear_pointer (&trace, trace_free);
    g_assert_cmpuint (count_after ((TraceQuota){ 0, 0, -MINUTES (1) }), ==, 0);
}

/* -- Modes -- */

static void
assert_mode (const char *path, int mode)
{
    GStatBuf status;

    g_assert_cmpint (g_stat (path, &status), ==, 0);
    g_assert_cmphex (status.st_mode & 07777, ==, mode);
}

static void
test_a_service_s_are_for_its_group (void)
{
    Trace *trace = trace_new ();
    g_autofree char *dir = folder ();
    g_autofree char *path = path_of (ID ".jsonl");

    clear_folder ();
    g_rmdir (dir);
    put (trace, header_of ("migrate"));
    trace_free (trace);
    assert_mode (dir, 0750);
    assert_mode (path, 0640);
}

/* Without STATE_DIRECTORY, and not as root. */
static void
write_as_user (void)
{
    const char *home = g_get_user_state_dir ();
    g_autofree char *dir = g_build_filename (home, "qmpmig", "traces", NULL);
    g_autofree char *above = g_path_get_dirname (dir);
    g_autofree char *path = g_build_filename (dir, ID ".jsonl", NULL);
    Trace *trace = trace_new ();

    g_unsetenv ("STATE_DIRECTORY");
    g_assert_true (geteuid () != 0 || setresuid (65534, 65534, 65534) == 0);
    put (trace, header_of ("migrate"));
    trace_free (trace);
    assert_mode (dir, 0700);
    g_unlink (path);
    g_rmdir (dir);
    g_rmdir (above);
    g_rmdir (home);
}

static void
test_a_user_s_are_the_user_s (void)
{
    const char *home = g_get_user_state_dir ();
    int status;
    pid_t pid;

    g_mkdir (home, 0700);
    g_assert_true (geteuid () != 0 || chown (home, 65534, 65534) == 0);
    pid = fork ();
    if (pid == 0) {
        write_as_user ();
        _exit (0);
    }
    g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
    g_assert_cmpint (status, ==, 0);
    g_rmdir (home);
}

static void
test_the_list_is_by_time (void)
{
    g_autoptr (GPtrArray) foreign = g_ptr_array_new_with_free_func (g_free);
    g_autofree char *dir = folder ();
    g_autoptr (GPtrArray) entries = NULL;

    clear_folder ();
    append_text ("b-20261122T100000Z-0000.jsonl", HEADER);
    append_text ("a-20261123T100000Z-0000-in.jsonl", HEADER);
    append_text ("c-20261121T100000Z-0000.jsonl", HEADER);
    append_text ("d-20261121T100000Z.jsonl", HEADER);
    entries = trace_folder_list (dir, foreign, NULL);
    g_assert_cmpuint (entries->len, ==, 3);
    for (guint i = 0; i < 3; i++)
        g_assert_cmpint (((TraceEntry *)g_ptr_array_index (entries, i))->id[0], ==, "abc"[i]);
    g_assert_cmpuint (foreign->len, ==, 1);
}

int
main (int argc, char **argv)
{
    /* Not in TMPDIR: another user has to get there. */
    g_autofree char *home = g_mkdtemp (g_strdup (P_tmpdir "/qmpmig-test-trace-XXXXXX"));
    g_autofree char *traces = g_build_filename (home, "traces", NULL);
    g_autofree char *user = g_build_filename (home, "user", NULL);
    int code;

    g_setenv ("STATE_DIRECTORY", home, TRUE);
    g_setenv ("XDG_STATE_HOME", user, TRUE);
    g_chmod (home, 0711);
    umask (022);
    g_mkdir (traces, 0700);
    g_test_init (&argc, &argv, NULL);
    check_add ("/trace/all-samples-of-a-short-one", test_all_samples_of_a_short_one);
    check_add ("/trace/samples-are-thinned", test_samples_are_thinned);
    check_add ("/trace/what-was-decided-is-not-thinned", test_what_was_decided_is_not_thinned);
    check_add ("/trace/a-new-status-is-kept", test_a_new_status_is_kept);
    check_add ("/trace/it-never-outgrows-its-bound", test_it_never_outgrows_its_bound);
    check_add ("/trace/five-days-fit", test_five_days_fit);
    check_add ("/trace/to-the-end", test_to_the_end);
    check_add ("/trace/the-receiving-end-has-its-own", test_the_receiving_end_has_its_own);
    check_add ("/trace/recover-goes-on", test_recover_goes_on_behind_the_last_whole_line);
    check_add ("/trace/one-that-another-writes", test_one_that_another_writes_is_left_alone);
    check_add ("/trace/a-full-disk-is-told-once", test_a_full_disk_is_told_once);
    check_add ("/trace/what-is-no-trace", test_what_is_no_trace_is_refused);
    check_add ("/trace/the-oldest-go", test_the_oldest_go);
    check_add ("/trace/one-without-a-result-waits", test_one_without_a_result_waits_for_recover);
    check_add ("/trace/one-that-is-written-never-goes", test_one_that_is_written_never_goes);
    check_add ("/trace/the-list-is-by-time", test_the_list_is_by_time);
    check_add ("/trace/a-service-s", test_a_service_s_are_for_its_group);
    check_add ("/trace/a-user-s", test_a_user_s_are_the_user_s);
    code = g_test_run ();
    clear_folder ();
    g_rmdir (traces);
    g_rmdir (home);
    return code;
}
