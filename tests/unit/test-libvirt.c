/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module over libvirt's own test driver, which has a domain `test` but no QEMU behind it: the
 * monitor's calls are answered here. */
#include <libvirt/libvirt-qemu.h>
#include <stdlib.h>
#include <string.h>

#include "agent/libvirt/loop.h"
#include "agent/libvirt/module.h"
#include "qmp/client.h"
#include "qmp/value.h"
#include "tests/unit/check.h"

extern const LibvirtModule qmpmig_libvirt_module;
static const LibvirtModule *const module = &qmpmig_libvirt_module;

/* -- What libvirt-qemu is here -- */

static GMutex lock;
static GPtrArray *asked; /* texts of commands as they reached libvirt */
static GCond let_go;
static gboolean is_stuck; /* commands do not come back */
static int lost_calls;    /* so many fail because the connection is lost */
static int aborts;
static virConnectDomainQemuMonitorEventCallback event_func;
static void *event_data;

static const char *
answer_to (const char *command)
{
    if (strstr (command, "query-version"))
        return "{\"return\": {\"qemu\": {\"major\": 10, \"minor\": 0, \"micro\": 2}, \"package\": "
               "\"\"}, \"id\": \"libvirt-1\"}";
    if (strstr (command, "query-name"))
        return "{\"return\": {\"name\": \"web1\"}, \"id\": \"libvirt-2\"}";
    return "{\"id\": \"libvirt-3\", \"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no "
           "such thing\"}}";
}

int
virDomainQemuMonitorCommand (virDomainPtr domain, const char *command, char **result,
                             unsigned int flags)
{
    gboolean is_lost;

    g_mutex_lock (&lock);
    g_ptr_array_add (asked, g_strdup (command));
    while (is_stuck)
        g_cond_wait (&let_go, &lock);
    is_lost = lost_calls > 0;
    lost_calls -= is_lost;
    g_mutex_unlock (&lock);
    if (is_lost)
        return -1;
    *result = strdup (answer_to (command));
    return 0;
}

/* Right after a call that was to be lost. */
int
virConnectIsAlive (virConnectPtr connection)
{
    static int last = -1;
    gboolean is_alive;

    g_mutex_lock (&lock);
    is_alive = last < 0 || last == lost_calls;
    last = lost_calls;
    g_mutex_unlock (&lock);
    return is_alive;
}

int
virConnectDomainQemuMonitorEventRegister (virConnectPtr connection, virDomainPtr domain,
                                          const char *event,
                                          virConnectDomainQemuMonitorEventCallback func, void *data,
                                          virFreeCallback free_data, unsigned int flags)
{
    event_func = func;
    event_data = data;
    return 7;
}

int
virConnectDomainQemuMonitorEventDeregister (virConnectPtr connection, int id)
{
    g_assert_cmpint (id, ==, 7);
    return 0;
}

int
virDomainAbortJob (virDomainPtr domain)
{
    g_atomic_int_inc (&aborts);
    return 0;
}

/* -- A session -- */

typedef struct {
    LibvirtConnection *connection;
    GMainContext *context;
    QmpClient *client;
} Session;

static void
session_open (Session *self, gint64 timeout_us)
{
    LibvirtOptions options = { .uri = "test:///default", .timeout_us = timeout_us };
    QmpClientOptions client = { .reply_timeout_us = timeout_us / 2 };
    g_autoptr (GIOStream) stream = NULL;
    g_autoptr (GError) error = NULL;

    g_mutex_lock (&lock);
    g_clear_pointer (&asked, g_ptr_array_unref);
    asked = g_ptr_array_new_with_free_func (g_free);
    g_mutex_unlock (&lock);
    self->connection = module->open (&options, &error);
    g_assert_no_error (error);
    stream = module->open_monitor (self->connection, "test", &error);
    g_assert_no_error (error);
    self->context = g_main_context_new ();
    self->client = qmp_client_open_stream (self->context, stream, &client, &error);
    g_assert_no_error (error);
}

static void
session_close (Session *self)
{
    qmp_client_close (self->client);
    module->close (self->connection);
    g_main_context_unref (self->context);
    g_usleep (200 * 1000); /* the module closes in its own threads, and descriptors are counted */
}

static char *
last_asked (void)
{
    char *text;

    g_mutex_lock (&lock);
    text = g_strdup (asked->len ? g_ptr_array_index (asked, asked->len - 1) : "nothing");
    g_mutex_unlock (&lock);
    return text;
}

static void
test_commands (void)
{
    Session session;
    g_autoptr (GError) error = NULL;
    g_autoptr (json_object) reply = NULL;
    g_autofree char *text = NULL;

    session_open (&session, 4 * G_USEC_PER_SEC);
    g_assert_cmpuint (qmp_client_version (session.client)->major, ==, 10);
    g_assert_false (qmp_client_has_oob (session.client));
    g_assert_cmpint (qmp_client_peer_pid (session.client), ==, 0);
    reply = qmp_client_call (session.client, "query-name",
                             qmp_object ("a", json_object_new_int (1), NULL), &error);
    g_assert_no_error (error);
    g_assert_cmpstr (qmp_peek_string (reply, "name", ""), ==, "web1");
    text = last_asked ();
    g_assert_cmpstr (text, ==, "{\"execute\":\"query-name\",\"arguments\":{\"a\":1}}");
    g_assert_null (qmp_client_call (session.client, "query-thing", NULL, &error));
    check_error (error, QMP_ERROR_REFUSED, "*query-thing: no such thing");
    session_close (&session);
}

static void
test_refusals (void)
{
    static const char *const refused[] = {
        "migrate",         "cont", "stop", "quit", "migrate-continue", "migrate-set-capabilities",
        "migrate-incoming"
    };
    Session session;

    session_open (&session, 4 * G_USEC_PER_SEC);
    for (gsize i = 0; i < G_N_ELEMENTS (refused); i++) {
        g_autoptr (GError) error = NULL;
        g_autofree char *text = NULL;

        g_assert_null (qmp_client_call (session.client, refused[i], NULL, &error));
        check_error (error, QMP_ERROR_REFUSED, "*refused, for libvirt owns this guest*");
        text = last_asked ();
        g_assert_nonnull (strstr (text, "query-version"));
    }
    session_close (&session);
}

static void
test_abort (void)
{
    Session session;
    g_autoptr (GError) error = NULL;
    g_autoptr (json_object) reply = NULL;
    g_autofree char *text = NULL;

    session_open (&session, 4 * G_USEC_PER_SEC);
    reply = qmp_client_call (session.client, "migrate_cancel", NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpint (g_atomic_int_get (&aborts), ==, 1);
    text = last_asked ();
    g_assert_null (strstr (text, "migrate_cancel"));
    session_close (&session);
}

/* In the loop, as libvirt does. */
static gboolean
raise_event (gpointer unused)
{
    event_func (NULL, NULL, "STOP", 12, 34, "{\"why\": \"x\"}", event_data);
    return G_SOURCE_REMOVE;
}

static void
test_events (void)
{
    Session session;
    g_autoptr (GError) error = NULL;
    g_autoptr (QmpEvent) event = NULL;

    session_open (&session, 4 * G_USEC_PER_SEC);
    loop_post (raise_event, NULL);
    event = qmp_client_wait_event (session.client, "STOP", G_USEC_PER_SEC, &error);
    g_assert_no_error (error);
    g_assert_cmpint (event->timestamp_us, ==, 12 * G_USEC_PER_SEC + 34);
    g_assert_cmpstr (qmp_peek_string (event->message, "data.why", ""), ==, "x");
    session_close (&session);
}

static void
set_stuck (gboolean stuck)
{
    g_mutex_lock (&lock);
    is_stuck = stuck;
    g_cond_broadcast (&let_go);
    g_mutex_unlock (&lock);
}

/* Whoever asks gets a timeout, and an answer again once libvirt does. */
static void
test_stuck (void)
{
    Session session;
    g_autoptr (GError) error = NULL;
    g_autoptr (json_object) reply = NULL;

    session_open (&session, 600 * 1000);
    set_stuck (TRUE);
    g_assert_null (qmp_client_call (session.client, "query-name", NULL, &error));
    check_error (error, QMP_ERROR_TIMEOUT, "*query-name*");
    while (module->abandoned () == 0)
        g_usleep (10 * 1000);
    set_stuck (FALSE);
    reply = qmp_client_call_full (session.client, "query-name", NULL, QMP_CALL_DEFAULT,
                                  5 * G_USEC_PER_SEC, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (qmp_peek_string (reply, "name", ""), ==, "web1");
    while (module->abandoned () > 0)
        g_usleep (10 * 1000);
    session_close (&session);
}

static void
test_lost (void)
{
    Session session;
    g_autoptr (GError) error = NULL;
    g_autoptr (json_object) reply = NULL;

    session_open (&session, 8 * G_USEC_PER_SEC);
    g_mutex_lock (&lock);
    lost_calls = 1;
    g_mutex_unlock (&lock);
    virConnectIsAlive (NULL); /* from here on the next loss is news */
    reply = qmp_client_call (session.client, "query-name", NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (qmp_peek_string (reply, "name", ""), ==, "web1");
    g_assert_cmpint (lost_calls, ==, 0);
    session_close (&session);
}

static void
test_domains (void)
{
    LibvirtOptions options = { .uri = "test:///default" };
    g_autoptr (GError) error = NULL;
    LibvirtConnection *connection = module->open (&options, &error);
    GPtrArray *list;
    LibvirtDomain *first, *found;

    g_assert_no_error (error);
    list = module->list (connection, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (list->len, ==, 1);
    first = g_ptr_array_index (list, 0);
    g_assert_cmpstr (first->name, ==, "test");
    g_assert_true (first->is_active);
    g_assert_nonnull (strstr (first->xml, "<domain"));
    found = module->find (connection, first->uuid, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (found->name, ==, "test");
    g_assert_null (module->find (connection, "nobody", &error));
    g_assert_error (error, LIBVIRT_ERROR, LIBVIRT_ERROR_NO_DOMAIN);
    module->free_domain (found);
    g_ptr_array_unref (list);
    module->close (connection);
    g_usleep (200 * 1000);
}

static void
test_nobody_there (void)
{
    LibvirtOptions options = { .uri = "qemu+unix:///system?socket=/nowhere/sock" };
    g_autoptr (GError) error = NULL;

    g_assert_null (module->open (&options, &error));
    g_assert_error (error, LIBVIRT_ERROR, LIBVIRT_ERROR_UNREACHABLE);
    check_words (error->message, "no connection to qemu+unix:///system*/nowhere/sock*");
}

/* The module's loop and its pool keep descriptors for good: they are there before any are counted.
 */
static void
warm_up (void)
{
    Session session;

    session_open (&session, 4 * G_USEC_PER_SEC);
    session_close (&session);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    warm_up ();
    check_add ("/libvirt/commands-go-through-without-our-id", test_commands);
    check_add ("/libvirt/what-only-libvirt-may-do-is-refused", test_refusals);
    check_add ("/libvirt/a-cancel-is-libvirt-s-own-abort", test_abort);
    check_add ("/libvirt/events-of-qemu-come-in-the-stream", test_events);
    check_add ("/libvirt/a-call-that-does-not-come-back-is-left-behind", test_stuck);
    check_add ("/libvirt/a-lost-connection-is-made-anew-and-asked-again", test_lost);
    check_add ("/libvirt/domains-by-name-and-uuid", test_domains);
    check_add ("/libvirt/nobody-there", test_nobody_there);
    return g_test_run ();
}
