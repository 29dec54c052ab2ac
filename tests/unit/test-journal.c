/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/migration/error.h"
#include "agent/migration/journal.h"
#include "qmp/value.h"
#include "tests/unit/check.h"

#define MONITOR "unix:/run/a.sock"

static json_object *
facts (guint64 begun_us)
{
    return qmp_object ("source", json_object_new_string (MONITOR), "begun_us",
                       json_object_new_uint64 (begun_us), "pid", json_object_new_int (7), NULL);
}

static Journal *
begin (const char *id, guint64 begun_us)
{
    g_autoptr (GError) error = NULL;
    Journal *journal = journal_begin (id, facts (begun_us), &error);

    g_assert_no_error (error);
    return journal;
}

static Journal *
find (GError **error)
{
    g_autoptr (QmpAddress) monitor = qmp_address_parse (MONITOR, NULL);

    return journal_find (monitor, error);
}

static void
finish (const char *id)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Journal) journal = find (&error);

    g_assert_no_error (error);
    g_assert_cmpstr (journal_id (journal), ==, id);
    journal_finish (journal);
}

static void
test_steps (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Journal) again = NULL;
    Journal *journal = begin ("a", 1);

    g_assert_true (journal_step (journal, JOURNAL_STARTED, NULL));
    g_assert_true (journal_note (journal, "uri", "tcp:h:1", NULL));
    journal_close (journal);
    again = find (&error);
    g_assert_no_error (error);
    g_assert_true (journal_has (again, JOURNAL_BEGUN));
    g_assert_true (journal_has (again, JOURNAL_STARTED));
    g_assert_false (journal_has (again, JOURNAL_TOLD_TO_RUN));
    g_assert_cmpstr (qmp_peek_string (journal_facts (again), "uri", NULL), ==, "tcp:h:1");
    journal_finish (again);
}

static void
test_finished (void)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Journal) journal = begin ("a", 1);

    journal_finish (journal);
    g_assert_null (find (&error));
    g_assert_no_error (error);
}

static void
append (const char *id, const char *text)
{
    g_autofree char *path = g_strdup_printf ("%s/journal/%s.json", getenv ("STATE_DIRECTORY"), id);
    FILE *file = fopen (path, "a");

    fputs (text, file);
    fclose (file);
}

static void
test_torn (void)
{
    g_autoptr (Journal) again = NULL;

    journal_close (begin ("a", 1));
    append ("a", "{\"step\": \"started\"}\n{\"step\": \"destination-told-to-run\"}");
    again = find (NULL);
    g_assert_true (journal_has (again, JOURNAL_STARTED));
    g_assert_false (journal_has (again, JOURNAL_TOLD_TO_RUN));
    journal_finish (again);
}

static void
test_newest (void)
{
    journal_close (begin ("old", 1));
    journal_close (begin ("new", 2));
    finish ("new");
    finish ("old");
}

/* A lock of this process would be shared: another one has to hold it. */
static void
test_held (void)
{
    g_autoptr (GError) error = NULL;
    int ends[2];
    char byte;
    pid_t pid;

    g_assert_cmpint (pipe (ends), ==, 0);
    pid = fork ();
    if (pid == 0) {
        begin ("held", 1);
        g_assert_cmpint (write (ends[1], "x", 1), ==, 1);
        pause ();
        _exit (0);
    }
    g_assert_cmpint (read (ends[0], &byte, 1), ==, 1);
    g_assert_null (find (&error));
    g_assert_error (error, MIGRATE_ERROR, EXIT_UNREACHABLE);
    kill (pid, SIGKILL);
    waitpid (pid, NULL, 0);
    finish ("held"); /* the lock died with its holder */
    close (ends[0]);
    close (ends[1]);
}

static void
test_others (void)
{
    g_autoptr (QmpAddress) other = qmp_address_parse ("unix:/run/other.sock", NULL);
    g_autoptr (GError) error = NULL;

    journal_close (begin ("a", 1));
    g_assert_null (journal_find (other, &error));
    g_assert_no_error (error);
    finish ("a");
}

int
main (int argc, char **argv)
{
    g_autofree char *folder = g_dir_make_tmp ("qmpmig-journal-XXXXXX", NULL);
    g_autofree char *sub = g_build_filename (folder, "journal", NULL);
    int failed;

    g_setenv ("STATE_DIRECTORY", folder, TRUE);
    g_test_init (&argc, &argv, NULL);
    check_add ("/journal/steps-and-notes-are-read-back", test_steps);
    check_add ("/journal/a-finished-one-is-gone", test_finished);
    check_add ("/journal/a-torn-line-was-not-written", test_torn);
    check_add ("/journal/the-newest-is-found-first", test_newest);
    check_add ("/journal/one-that-is-held-says-by-whom", test_held);
    check_add ("/journal/another-monitors-is-not-found", test_others);
    failed = g_test_run ();
    g_rmdir (sub);
    g_rmdir (folder);
    return failed;
}
