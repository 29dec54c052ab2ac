/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/host/guest-lock.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/migration/error.h"
#include "tests/unit/check.h"

#define NONE "00000000-0000-0000-0000-000000000000"

/* Does another process get it? */
static gboolean
is_free_elsewhere (const char *uuid, pid_t pid)
{
    pid_t child = fork ();
    int status;

    if (child == 0)
        _exit (!guest_lock_take (uuid, pid, NULL, NULL));
    g_assert_cmpint (waitpid (child, &status, 0), ==, child);
    g_assert_true (WIFEXITED (status));
    return WEXITSTATUS (status) == 0;
}

static void
check_exclusion (const char *uuid, pid_t pid)
{
    GuestLock *lock = guest_lock_take (uuid, pid, NULL, NULL);

    g_assert_nonnull (lock);
    g_assert_false (is_free_elsewhere (uuid, pid));
    guest_lock_free (lock);
    g_assert_true (is_free_elsewhere (uuid, pid));
}

static void
test_exclusion (void)
{
    g_autofree char *uuid = g_uuid_string_random ();

    check_exclusion (uuid, 0);
    check_exclusion (NONE, getpid ());
    check_exclusion (NULL, getpid ());
}

static void
test_others (void)
{
    g_autofree char *uuid = g_uuid_string_random ();
    g_autofree char *other = g_uuid_string_random ();
    GuestLock *lock = guest_lock_take (uuid, 0, NULL, NULL);

    g_assert_true (is_free_elsewhere (other, 0));
    guest_lock_free (lock);
    lock = guest_lock_take (NONE, 0, NULL, NULL);
    g_assert_true (is_free_elsewhere (NONE, 0));
    guest_lock_free (lock);
}

static void
test_name (void)
{
    g_autofree char *uuid = g_uuid_string_random ();
    g_autofree char *upper = g_ascii_strup (uuid, -1);
    g_autofree char *said = g_strdup_printf (
        "pid %d of qmpmig steers this guest already, through another monitor", (int)getpid ());
    g_autoptr (GError) error = NULL;
    GuestLock *lock = guest_lock_take (uuid, 0, NULL, NULL);

    g_assert_null (guest_lock_take (upper, 7, NULL, &error));
    g_assert_error (error, MIGRATE_ERROR, EXIT_UNREACHABLE);
    g_assert_cmpstr (error->message, ==, said);
    guest_lock_free (lock);
}

/* Of a user who has no part in it. */
static void
test_stranger (void)
{
    g_autofree char *uuid = g_uuid_string_random ();
    int ready[2];
    GuestLock *lock;
    pid_t child;
    char byte;

    if (geteuid () != 0) {
        g_test_skip ("needs root to become somebody else");
        return;
    }
    g_assert_cmpint (pipe (ready), ==, 0);
    child = fork ();
    if (child == 0) {
        if (setuid (65534) != 0 || !guest_lock_take (uuid, 0, NULL, NULL))
            _exit (1);
        close (ready[1]);
        pause ();
    }
    close (ready[1]);
    g_assert_cmpint (read (ready[0], &byte, 1), ==, 0);
    close (ready[0]);
    lock = guest_lock_take (uuid, 0, NULL, NULL);
    g_assert_nonnull (lock);
    guest_lock_free (lock);
    g_assert_cmpint (kill (child, SIGKILL), ==, 0);
    g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/guest-lock/one-process-has-it", test_exclusion);
    check_add ("/guest-lock/other-guests-are-free", test_others);
    check_add ("/guest-lock/the-holder-is-named", test_name);
    check_add ("/guest-lock/a-stranger-holds-nobody-up", test_stranger);
    return g_test_run ();
}
