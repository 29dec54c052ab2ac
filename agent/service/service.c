/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/service.h"

#include "agent/migration/error.h"
#include "agent/service/caller.h"
#include "agent/service/calls.h"
#include "agent/service/departures.h"
#include "agent/service/entry.h"
#include "agent/service/reply.h"
#include "agent/service/shares.h"

/* What changes is told so often, and no more. */
#define TICK_S 1
/* What the migrations say is passed on so often, that of all of them at once. */
#define DELIVERY_MS 20
/* Prometheus looks every 15 s or so. */
#define TICKS_PER_METRICS 5

struct Service {
    char *config_file;
    Config *config;
    EntryHost host;
    GPtrArray *entries;
    Departures *departures; /* from service_begin() on */
    guint tick, ticks;
    guint delivery;        /* while there are migrations */
    char *metrics_trouble; /* told once */
    gboolean leaving;
    void (*gone) (gpointer data);
    gpointer gone_data;
};

/* -- Settings -- */

static Mode
default_mode (const Service *self)
{
    Mode mode = MODE_OBSERVE;
    const char *text = config_agent_value (self->config, "mode");

    if (text)
        mode_parse (text, &mode, NULL); /* checked when it was read */
    return mode;
}

const char *
service_mode (const Service *self)
{
    return mode_name (default_mode (self));
}

Mode
service_mode_of (const Service *self, const Order *order)
{
    return order->mode == MODE_CONFIGURED ? default_mode (self) : order->mode;
}

gboolean
service_reload (Service *self, GError **error)
{
    Config *config = config_load (self->config_file, error);

    if (!config)
        return FALSE;
    config_free (self->config);
    self->config = config;
    if (self->departures)
        departures_watch (self->departures, self->config);
    return TRUE;
}

/* -- Once a second -- */

static void
write_metrics (Service *self)
{
    const char *file = config_agent_value (self->config, "metrics-file");
    g_autoptr (GError) error = NULL;

    if (!file || g_str_equal (file, "none"))
        return;
    if (metrics_write (self->host.metrics, file, &error)) {
        g_clear_pointer (&self->metrics_trouble, g_free);
        return;
    }
    if (g_strcmp0 (self->metrics_trouble, error->message) != 0)
        g_warning ("metrics-file: %s", error->message);
    g_free (self->metrics_trouble);
    self->metrics_trouble = g_strdup (error->message);
}

static gboolean
on_tick (gpointer data)
{
    Service *self = data;

    for (guint i = self->entries->len; i > 0; i--) {
        Entry *entry = g_ptr_array_index (self->entries, i - 1);

        if (entry_view (entry))
            view_flush (entry_view (entry));
        if (entry_is_old (entry))
            g_ptr_array_remove_index_fast (self->entries, i - 1);
    }
    shares_divide (self->entries, self->config);
    if (self->ticks++ % TICKS_PER_METRICS == 0)
        write_metrics (self);
    if (self->entries->len > 0)
        return G_SOURCE_CONTINUE;
    self->tick = 0;
    return G_SOURCE_REMOVE;
}

/* A job may end in it, but its entry stays. */
static gboolean
on_delivery (gpointer data)
{
    Service *self = data;

    for (guint i = 0; i < self->entries->len; i++) {
        Job *job = entry_job (g_ptr_array_index (self->entries, i));

        if (job)
            job_deliver (job);
    }
    if (service_count (self) > 0)
        return G_SOURCE_CONTINUE;
    self->delivery = 0;
    return G_SOURCE_REMOVE;
}

static void
tick_on (Service *self)
{
    if (!self->tick)
        self->tick = g_timeout_add_seconds (TICK_S, on_tick, self);
    if (!self->delivery)
        self->delivery = g_timeout_add (DELIVERY_MS, on_delivery, self);
}

/* -- Migrations -- */

static gboolean
has_jobs (const Service *self)
{
    return service_count (self) > 0;
}

static void
on_ended (Entry *entry, gpointer data)
{
    Service *self = data;

    write_metrics (self);
    if (self->leaving && !has_jobs (self))
        self->gone (self->gone_data);
}

static Entry *
find (const Service *self, const char *address)
{
    for (guint i = 0; i < self->entries->len; i++) {
        Entry *entry = g_ptr_array_index (self->entries, i);

        if (entry_job (entry) && g_str_equal (entry_order (entry)->address, address))
            return entry;
    }
    return NULL;
}

gboolean
service_has (const Service *self, const char *address)
{
    return find (self, address) != NULL;
}

gboolean
service_has_guest (const Service *self, const char *uuid)
{
    for (guint i = 0; i < self->entries->len; i++) {
        Entry *entry = g_ptr_array_index (self->entries, i);

        if (entry_job (entry) && entry_view (entry) &&
            g_ascii_strcasecmp (job_vm_uuid (entry_job (entry)), uuid) == 0)
            return TRUE;
    }
    return FALSE;
}

guint
service_count (const Service *self)
{
    guint count = 0;

    for (guint i = 0; i < self->entries->len; i++)
        count += entry_job (g_ptr_array_index (self->entries, i)) != NULL;
    return count;
}

/* Of somebody on the bus, or, without an INVOCATION, of our own. */
static gboolean
check (const Service *self, const Order *order, GDBusMethodInvocation *invocation, GError **error)
{
    if (self->leaving)
        return migrate_fail (error, EXIT_REFUSED, "the service is stopping");
    if (service_has (self, order->address))
        return migrate_fail (error, EXIT_REFUSED, "%s: this service is at it already",
                             order->address);
    return !invocation || caller_may_ask (order, self->config, error);
}

static gboolean
refuse (const Service *self, const Order *order, GDBusMethodInvocation *invocation)
{
    g_autoptr (GError) error = NULL;

    if (check (self, order, invocation, &error))
        return FALSE;
    if (invocation)
        reply_error (invocation, error);
    return TRUE;
}

void
service_take (Service *self, Order *order, Traits *traits, GDBusMethodInvocation *invocation)
{
    Entry *entry;

    if (refuse (self, order, invocation)) {
        order_free (order);
        traits_free (traits);
        return;
    }
    entry = entry_new (&self->host, order, config_copy (self->config), traits, default_mode (self),
                       invocation);
    if (entry) {
        g_ptr_array_add (self->entries, entry);
        tick_on (self);
    }
}

/* -- Gone on with -- */

static void
recover (Entry *entry, Order *order, GDBusMethodInvocation *invocation, gpointer data)
{
    Service *self = data;
    g_autoptr (GError) error = NULL;

    if (!caller_may_ask (order, self->config, &error)) {
        reply_error (invocation, error);
        order_free (order);
        return;
    }
    entry_recover (entry, order, config_copy (self->config), invocation);
    tick_on (self);
}

static void
on_exported (Entry *entry, gpointer data)
{
    calls_serve (entry, recover, data);
}

/* -- Its own life -- */

Service *
service_new (const char *config_file, GError **error)
{
    Service *self = g_new0 (Service, 1);

    self->config_file = g_strdup (config_file);
    self->entries = g_ptr_array_new_with_free_func ((GDestroyNotify)entry_free);
    self->host = (EntryHost){
        .metrics = metrics_new (), .ended = on_ended, .exported = on_exported, .data = self
    };
    if (!service_reload (self, error))
        g_clear_pointer (&self, service_free);
    return self;
}

void
service_free (Service *self)
{
    if (!self)
        return;
    if (self->tick)
        g_source_remove (self->tick);
    if (self->delivery)
        g_source_remove (self->delivery);
    departures_free (self->departures);
    g_ptr_array_unref (self->entries);
    metrics_free (self->host.metrics);
    g_clear_object (&self->host.manager);
    config_free (self->config);
    g_free (self->config_file);
    g_free (self->metrics_trouble);
    g_free (self);
}

void
service_begin (Service *self, GDBusObjectManagerServer *manager)
{
    g_autoptr (GPtrArray) orders = ticket_take_all ();

    self->host.manager = g_object_ref (manager);
    self->departures = departures_new (self);
    departures_watch (self->departures, self->config);
    for (guint i = 0; i < orders->len; i++) {
        Order *order = g_ptr_array_index (orders, i);

        if (order->kind == ORDER_START)
            order->kind = ORDER_RECOVER;
        service_take (self, order, NULL, NULL);
    }
}

void
service_leave (Service *self, void (*gone) (gpointer data), gpointer data)
{
    self->leaving = TRUE;
    self->gone = gone;
    self->gone_data = data;
    for (guint i = 0; i < self->entries->len; i++)
        if (entry_job (g_ptr_array_index (self->entries, i)))
            job_leave (entry_job (g_ptr_array_index (self->entries, i)));
    if (!has_jobs (self))
        gone (data);
}
