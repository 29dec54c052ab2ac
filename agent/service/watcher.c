/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/watcher.h"

#include "agent/libvirt/loader.h"
#include "agent/libvirt/session.h"

#define MIN_PAUSE_US (1 * G_TIME_SPAN_SECOND)
#define MAX_PAUSE_US (30 * G_TIME_SPAN_SECOND)
/* virDomainEventType's VIR_DOMAIN_EVENT_STOPPED; the headers are the module's. */
#define LIFECYCLE_STOPPED 5

struct Watcher {
    gatomicrefcount refs; /* main thread, own thread, libvirt's watch, what is on its way */
    QmpAddress *address;  /* of libvirt; no domain */
    GAsyncQueue *news;
    gint is_left; /* atomic */
    WatcherFunc func;
    gpointer data;
    /* The thread's. */
    const LibvirtModule *module;
    LibvirtConnection *connection;
    GHashTable *told; /* uuids of which it was told, until that migration ends */
    gboolean is_away;
};

static Watcher *
watcher_ref (Watcher *self)
{
    g_atomic_ref_count_inc (&self->refs);
    return self;
}

static void
watcher_unref (gpointer data)
{
    Watcher *self = data;

    if (!g_atomic_ref_count_dec (&self->refs))
        return;
    qmp_address_free (self->address);
    g_async_queue_unref (self->news);
    g_hash_table_unref (self->told);
    g_free (self);
}

/* -- From libvirt's threads to ours -- */

typedef struct {
    LibvirtEventKind kind;
    char *domain, *uuid;
    gboolean begins, ends; /* a migration, as QEMU tells it */
} News;

static void
news_free (gpointer data)
{
    News *self = data;

    g_free (self->domain);
    g_free (self->uuid);
    g_free (self);
}

static gboolean
is_end (const LibvirtEvent *event)
{
    static const char *const ends[] = { "completed", "failed", "cancelled", NULL };

    return event->kind == LIBVIRT_EVENT_JOB_ENDED ||
           (event->kind == LIBVIRT_EVENT_LIFECYCLE && event->state == LIFECYCLE_STOPPED) ||
           (event->text && g_strv_contains (ends, event->text));
}

static void
on_event (const LibvirtEvent *event, gpointer data)
{
    Watcher *self = data;
    News *news = g_new (News, 1);

    *news = (News){ .kind = event->kind,
                    .domain = g_strdup (event->domain),
                    .uuid = g_strdup (event->uuid),
                    .begins = g_strcmp0 (event->text, "setup") == 0,
                    .ends = is_end (event) };
    g_async_queue_push (self->news, news);
}

/* -- From ours to the main thread -- */

typedef struct {
    Watcher *watcher;
    char *domain, *uuid;
} Departure;

static void
departure_free (gpointer data)
{
    Departure *self = data;

    watcher_unref (self->watcher);
    g_free (self->domain);
    g_free (self->uuid);
    g_free (self);
}

static gboolean
tell_departure (gpointer data)
{
    Departure *self = data;

    if (!g_atomic_int_get (&self->watcher->is_left))
        self->watcher->func (self->domain, self->uuid, self->watcher->data);
    return G_SOURCE_REMOVE;
}

/* -- Guests -- */

/* Libvirt's answer, not QEMU's: the monitor of a guest that is arriving is left alone. */
static gboolean
is_leaving (Watcher *self, const char *uuid)
{
    g_autoptr (GError) error = NULL;
    LibvirtJob job;

    if (self->module->job (self->connection, uuid, &job, &error))
        return job.state == LIBVIRT_JOB_RUNNING && job.is_outgoing;
    g_debug ("libvirt: %s: its job is not known: %s", uuid, error->message);
    return FALSE;
}

static void
look_at (Watcher *self, const char *domain, const char *uuid)
{
    Departure *departure;

    if (g_hash_table_contains (self->told, uuid) || !is_leaving (self, uuid))
        return;
    g_hash_table_add (self->told, g_strdup (uuid));
    departure = g_new (Departure, 1);
    *departure = (Departure){ watcher_ref (self), g_strdup (domain), g_strdup (uuid) };
    g_idle_add_full (G_PRIORITY_DEFAULT, tell_departure, departure, departure_free);
}

static void
look_at_all (Watcher *self)
{
    g_autoptr (GError) error = NULL;
    GPtrArray *domains = self->module->list (self->connection, &error);

    if (!domains) {
        g_warning ("libvirt: what leaves this host already is not known: %s", error->message);
        return;
    }
    g_hash_table_remove_all (self->told);
    for (guint i = 0; i < domains->len && !g_atomic_int_get (&self->is_left); i++) {
        const LibvirtDomain *domain = g_ptr_array_index (domains, i);

        if (domain->is_active)
            look_at (self, domain->name, domain->uuid);
    }
    g_ptr_array_unref (domains);
}

static void
look_after (Watcher *self, const News *news)
{
    if (news->begins || news->ends)
        g_hash_table_remove (self->told, news->uuid);
    if (!news->ends)
        look_at (self, news->domain, news->uuid);
}

static void
take_news (Watcher *self, const News *news)
{
    switch (news->kind) {
    case LIBVIRT_EVENT_CONNECTED:
        g_message ("libvirt is there again");
        look_at_all (self);
        return;
    case LIBVIRT_EVENT_LOST:
        g_message ("libvirt is away; what runs goes on, and it is tried until it is back");
        return;
    case LIBVIRT_EVENT_LIFECYCLE:
    case LIBVIRT_EVENT_JOB_ENDED:
        if (news->ends)
            g_hash_table_remove (self->told, news->uuid);
        return;
    case LIBVIRT_EVENT_MIGRATION:
    case LIBVIRT_EVENT_PASS:
        look_after (self, news);
        return;
    }
}

/* -- The thread -- */

static gboolean
attempt (Watcher *self, GError **error)
{
    GError *why = NULL;

    self->connection = libvirt_connection (self->address, 0, &self->module, error);
    if (!self->connection)
        return FALSE;
    if (self->module->watch (self->connection, on_event, watcher_ref (self), watcher_unref, &why))
        return TRUE;
    if (g_error_matches (why, LIBVIRT_ERROR, LIBVIRT_ERROR_REFUSED))
        watcher_unref (self); /* one before us is about to leave it */
    else
        self->module->unwatch (self->connection); /* half of it may be there */
    return libvirt_fail (error, why);
}

/* One line, however long it takes. */
static void
tell_away (Watcher *self, const GError *error)
{
    if (!self->is_away)
        g_message ("libvirt is not there, and tried until it is: %s", error->message);
    self->is_away = TRUE;
}

/* FALSE: it is left. What comes in the queue before there is a watch is the word to leave. */
static gboolean
join (Watcher *self)
{
    gint64 pause_us = MIN_PAUSE_US;

    while (!g_atomic_int_get (&self->is_left)) {
        g_autoptr (GError) error = NULL;
        News *word;

        if (attempt (self, &error))
            return TRUE;
        tell_away (self, error);
        word = g_async_queue_timeout_pop (self->news, (guint64)pause_us);
        if (word)
            news_free (word);
        pause_us = MIN (pause_us * 2, MAX_PAUSE_US);
    }
    return FALSE;
}

static void
follow (Watcher *self)
{
    g_message ("libvirt is watched: %s", self->address->uri);
    look_at_all (self);
    while (!g_atomic_int_get (&self->is_left)) {
        News *news = g_async_queue_pop (self->news);

        if (!g_atomic_int_get (&self->is_left))
            take_news (self, news);
        news_free (news);
    }
    self->module->unwatch (self->connection);
}

static gpointer
run_thread (gpointer data)
{
    Watcher *self = data;
    g_autoptr (GError) error = NULL;

    if (!libvirt_load (&error))
        g_message ("migrations under libvirt are not watched: %s", error->message);
    else if (join (self))
        follow (self);
    watcher_unref (self);
    return NULL;
}

/* -- The main thread -- */

static QmpAddress *
address_of (const char *uri)
{
    g_autofree char *text = uri && *uri ? g_strdup_printf ("any@%s", uri) : g_strdup ("any");

    return qmp_address_parse_libvirt (text, NULL);
}

Watcher *
watcher_new (const char *uri, WatcherFunc func, gpointer data)
{
    Watcher *self = g_new0 (Watcher, 1);

    g_atomic_ref_count_init (&self->refs);
    self->address = address_of (uri);
    self->news = g_async_queue_new_full (news_free);
    self->told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    self->func = func;
    self->data = data;
    g_thread_unref (g_thread_new ("libvirt", run_thread, watcher_ref (self)));
    return self;
}

void
watcher_free (Watcher *self)
{
    if (!self)
        return;
    g_atomic_int_set (&self->is_left, TRUE);
    g_async_queue_push (self->news, g_new0 (News, 1));
    watcher_unref (self);
}
