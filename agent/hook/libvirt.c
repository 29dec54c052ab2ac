/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/hook/libvirt.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/hook/domain.h"
#include "agent/hook/errand.h"
#include "agent/hook/service.h"

/* Within the 50 ms that a hook may take, should libvirt's end not be closed. */
#define INPUT_MS  25
#define INPUT_MAX (4 << 20)

static gboolean
fail_input (GError **error, const char *text)
{
    g_set_error (error, DOMAIN_ERROR, 0, "libvirt's XML on standard input %s", text);
    return FALSE;
}

/* FALSE: not all of it came. */
static gboolean
read_input (GString *input, GError **error)
{
    gint64 until_us = g_get_monotonic_time () + INPUT_MS * 1000;
    struct pollfd end = { .fd = STDIN_FILENO, .events = POLLIN };
    char part[16384];
    gssize length;

    for (;;) {
        gint64 left_ms = (until_us - g_get_monotonic_time ()) / 1000;

        if (left_ms <= 0 || poll (&end, 1, (int)left_ms) <= 0)
            return fail_input (error, "did not end in time");
        length = read (STDIN_FILENO, part, sizeof part);
        if (length <= 0)
            return length == 0 || fail_input (error, g_strerror (errno));
        if (input->len + length > INPUT_MAX)
            return fail_input (error, "is too long");
        g_string_append_len (input, part, length);
    }
}

static Domain *
read_domain (GError **error)
{
    g_autoptr (GString) input = g_string_new (NULL);

    return read_input (input, error) ? domain_parse (input->str, input->len, error) : NULL;
}

static gboolean
is_operation (char *const *words, const char *operation)
{
    return !strcmp (words[1], operation) && !g_strcmp0 (words[2], "begin");
}

/* A guest has come to live here: by its start, its arrival, or before libvirtd's restart. libvirt
 * tells of none that leaves; the service sees those by itself. */
static void
receive_guest (const Domain *domain)
{
    ServiceGuest guest = {
        .name = domain_name (domain),
        .uuid = domain_uuid (domain),
        .policy = domain_nova_policy (domain),
    };

    if (guest.policy)
        errand_send (service_hand_over, &guest, 0);
    else
        errand_send (service_wake, NULL, 0);
}

void
libvirt_run (char *const *words)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Domain) domain = NULL;

    if (!words[0] || !words[1])
        return;
    if (is_operation (words, "migrate"))
        errand_send (service_wake, NULL, 0);
    if (!is_operation (words, "started") && !is_operation (words, "reconnect"))
        return;
    domain = read_domain (&error);
    if (domain)
        receive_guest (domain);
    else
        fprintf (stderr, "qmpmig: %s: %s\n", words[0], error->message);
}
