/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/claim.h"

#include "agent/migration/error.h"
#include "tests/unit/check.h"

#define ONE   "8c6f7f4e-2f0b-4a38-9a5c-0f5a6a1d7c11"
#define OTHER "8c6f7f4e-2f0b-4a38-9a5c-0f5a6a1d7c12"
#define NONE  "00000000-0000-0000-0000-000000000000"

static void
check (const char *uuid, pid_t pid, const char *second_uuid, pid_t second_pid, gboolean is_same)
{
    g_autoptr (GError) error = NULL;
    Claim *first = claim_take (uuid, pid, "libvirt:web1", NULL);
    Claim *second = claim_take (second_uuid, second_pid, "/run/web1.qmp", &error);

    g_assert_nonnull (first);
    if (is_same) {
        g_assert_error (error, MIGRATE_ERROR, EXIT_REFUSED);
        g_assert_cmpstr (error->message, ==,
                         "/run/web1.qmp: this service is at that guest already: libvirt:web1");
    }
    g_assert_cmpint (second == NULL, ==, is_same);
    claim_free (first);
    claim_free (second);
}

static void
test_by_process (void)
{
    check (NONE, 7, NONE, 7, TRUE);
    check (ONE, 7, OTHER, 7, TRUE);
    check (ONE, 7, ONE, 8, FALSE); /* both ends of a move on one host */
}

static void
test_by_uuid (void)
{
    check (ONE, 0, ONE, 7, TRUE);
    check ("8C6F7F4E-2F0B-4A38-9A5C-0F5A6A1D7C11", 0, ONE, 0, TRUE);
    check (ONE, 0, OTHER, 7, FALSE);
}

static void
test_without (void)
{
    check (NONE, 0, NONE, 0, FALSE);
    check (NULL, 0, NULL, 7, FALSE);
}

static void
test_again (void)
{
    for (int i = 0; i < 2; i++) {
        Claim *claim = claim_take (ONE, 0, "libvirt:web1", NULL);

        g_assert_nonnull (claim);
        claim_free (claim);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/claim/one-process-is-one-guest-and-two-are-two", test_by_process);
    check_add ("/claim/where-a-process-is-not-known-the-uuid-tells", test_by_uuid);
    check_add ("/claim/what-has-neither-is-not-held-up", test_without);
    check_add ("/claim/what-was-let-go-can-be-taken-again", test_again);
    return g_test_run ();
}
