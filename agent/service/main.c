/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qmpmig agent: the service. */
#include <glib-unix.h>
#include <locale.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/exit-code.h"
#include "agent/service/bus.h"

/* A migration's thread waits in a main loop and parses what QEMU says: measured, with room. */
#define STACK_BYTES (256 * 1024)

typedef struct {
    GMainLoop *loop;
    Service *service;
    Bus *bus;
    int code;
} Agent;

/* -- The process -- */

/* Hundreds of threads, and few descriptors for each: what is the shell's choice is not ours. */
static void
make_room (void)
{
    struct rlimit limit;
    pthread_attr_t attributes;

    /* One a thread would be a heap a thread; for a single one they all queue: a sixth of the CPU.
     */
    mallopt (M_ARENA_MAX, 2);
    if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit (RLIMIT_NOFILE, &limit);
    }
    pthread_attr_init (&attributes);
    pthread_attr_setstacksize (&attributes, STACK_BYTES);
    pthread_setattr_default_np (&attributes);
    pthread_attr_destroy (&attributes);
}

/* A policy comes from where it was installed, whatever the environment says. */
static void
forget_environment (void)
{
    g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);

    if (program && g_str_has_prefix (program, QMPMIG_HELPERDIR "/"))
        g_unsetenv ("QMPMIG_PLUGIN_DIR");
}

/* -- Systemd -- */

static gboolean
on_watchdog (gpointer data)
{
    sd_notify (0, "WATCHDOG=1");
    return G_SOURCE_CONTINUE;
}

static void
feed_watchdog (void)
{
    guint64 us = 0;

    if (sd_watchdog_enabled (0, &us) > 0)
        g_timeout_add ((guint)(us / 2000), on_watchdog, NULL);
}

/* -- Events -- */

static void
on_gone (gpointer data)
{
    g_main_loop_quit (((Agent *)data)->loop);
}

static void
on_ready (gpointer data)
{
    sd_notify (0, "READY=1");
}

static void
on_lost (const char *why, gpointer data)
{
    Agent *self = data;

    g_printerr ("qmpmig agent: %s\n", why);
    self->code = EXIT_UNREACHABLE;
    service_leave (self->service, on_gone, self);
}

static const BusEvents bus_events = { .ready = on_ready, .lost = on_lost };

static gboolean
on_terminate (gpointer data)
{
    Agent *self = data;

    sd_notify (0, "STOPPING=1");
    service_leave (self->service, on_gone, self);
    return G_SOURCE_REMOVE;
}

static gboolean
on_hangup (gpointer data)
{
    Agent *self = data;
    g_autoptr (GError) error = NULL;

    sd_notifyf (0, "RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time ());
    if (service_reload (self->service, &error))
        bus_refresh (self->bus);
    else
        g_warning ("the configuration stays as it was: %s", error->message);
    sd_notify (0, "READY=1");
    return G_SOURCE_CONTINUE;
}

/* -- Beginning -- */

static int
fail (const GError *error, int code)
{
    g_printerr ("qmpmig agent: %s\n", error->message);
    return code;
}

static int
run (const char *config, const char *bus)
{
    Agent self = { .loop = g_main_loop_new (NULL, FALSE) };
    g_autoptr (GError) error = NULL;

    self.service = service_new (config, &error);
    if (!self.service)
        return fail (error, EXIT_USAGE);
    self.bus = bus_new (bus, self.service, &bus_events, &self, &error);
    if (!self.bus)
        return fail (error, EXIT_UNREACHABLE);
    g_unix_signal_add (SIGTERM, on_terminate, &self);
    g_unix_signal_add (SIGINT, on_terminate, &self);
    g_unix_signal_add (SIGHUP, on_hangup, &self);
    feed_watchdog ();
    g_main_loop_run (self.loop);
    service_free (self.service);
    bus_free (self.bus);
    g_main_loop_unref (self.loop);
    return self.code;
}

int
main (int argc, char **argv)
{
    g_autofree char *config = NULL;
    g_autofree char *bus = NULL;
    const GOptionEntry entries[] = {
        { "config", 0, 0, G_OPTION_ARG_FILENAME, &config, NULL, NULL },
        { "bus", 0, 0, G_OPTION_ARG_STRING, &bus, NULL, NULL },
        { NULL },
    };
    g_autoptr (GOptionContext) context = g_option_context_new (NULL);
    g_autoptr (GError) error = NULL;

    make_room ();
    forget_environment ();
    setlocale (LC_ALL, "");
    g_set_prgname ("qmpmig-agent");
    signal (SIGPIPE, SIG_IGN);
    g_option_context_add_main_entries (context, entries, NULL);
    if (!g_option_context_parse (context, &argc, &argv, &error))
        return fail (error, EXIT_USAGE);
    return run (config, bus ? bus : "system");
}
