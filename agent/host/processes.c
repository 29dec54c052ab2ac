/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/host/processes.h"

#include <stdio.h>

#include "agent/host/proc.h"

/* What is read once for all. */
typedef struct {
    GPtrArray *sockets; /* NULL: the kernel does not tell */
    GHashTable *owners;
} Kernel;

static void
monitor_free (gpointer data)
{
    ProcessMonitor *self = data;

    g_free (self->text);
    qmp_address_free (self->address);
    holder_clear (&self->holder);
    g_free (self);
}

static void
process_free (gpointer data)
{
    Process *self = data;

    qemu_command_line_free (self->line);
    g_ptr_array_unref (self->monitors);
    g_free (self);
}

/* libvirt binds the socket itself and hands it over as a descriptor: the path is the kernel's to
 * tell. */
static char *
address_of_fd (pid_t pid, int fd, const GPtrArray *sockets)
{
    g_autofree char *name = g_strdup_printf ("fd/%d", fd);
    g_autofree char *target = proc_link (pid, name);
    unsigned int inode;

    if (!target || sscanf (target, "socket:[%u]", &inode) != 1)
        return NULL;
    for (guint i = 0; sockets && i < sockets->len; i++) {
        const UnixSocket *socket = g_ptr_array_index (sockets, i);

        if (socket->inode == inode && socket->name && socket->name[0] == '/')
            return g_strconcat ("unix:", socket->name, NULL);
    }
    return NULL;
}

static void
find_unix_holder (ProcessMonitor *self, pid_t pid, const Kernel *kernel)
{
    struct stat file;
    gboolean has_file = stat (self->address->path, &file) == 0;

    if (kernel->sockets)
        holder_match (&self->holder, kernel->sockets, self->address->path, has_file ? &file : NULL);
    if (self->holder.hold == HOLD_UNKNOWN) {
        /* Not of our network namespace; its own list has names, but no peers. */
        g_autoptr (GPtrArray) others = unix_sockets_of (pid, NULL);

        if (others)
            holder_match (&self->holder, others, self->address->path, NULL);
    }
}

static void
find_holder (ProcessMonitor *self, pid_t pid, const Kernel *kernel)
{
    if (self->address->kind == QMP_ADDRESS_UNIX) {
        find_unix_holder (self, pid, kernel);
    } else {
        g_autoptr (GArray) sockets = tcp_sockets_of (pid);

        holder_match_tcp (&self->holder, sockets, self->address->port);
    }
    holder_name (&self->holder, kernel->owners);
}

static ProcessMonitor *
monitor_new (const QemuMonitor *monitor, pid_t pid, const Kernel *kernel)
{
    ProcessMonitor *self = g_new0 (ProcessMonitor, 1);

    self->is_server = monitor->is_server;
    self->text = monitor->address ? g_strdup (monitor->address)
                                  : address_of_fd (pid, monitor->fd, kernel->sockets);
    if (self->text && self->is_server)
        self->address = qmp_address_parse (self->text, NULL);
    if (!self->text)
        self->text = g_strdup_printf ("fd:%d", monitor->fd);
    if (self->address)
        find_holder (self, pid, kernel);
    return self;
}

/* NULL: no QEMU. */
static Process *
process_new (pid_t pid, const Kernel *kernel)
{
    g_auto (GStrv) words = proc_command_line (pid);
    g_autofree char *cwd = words ? proc_link (pid, "cwd") : NULL;
    QemuCommandLine *line =
        words ? qemu_command_line_parse ((const char *const *)words, cwd) : NULL;
    Process *self;

    if (!line)
        return NULL;
    self = g_new0 (Process, 1);
    self->pid = pid;
    self->line = line;
    self->is_stopped = proc_state (pid) == 'T';
    self->monitors = g_ptr_array_new_with_free_func (monitor_free);
    for (guint i = 0; i < line->monitors->len; i++)
        g_ptr_array_add (self->monitors,
                         monitor_new (g_ptr_array_index (line->monitors, i), pid, kernel));
    return self;
}

GPtrArray *
processes_find (guint *ret_hidden)
{
    g_autoptr (GPtrArray) sockets = unix_sockets_diag (NULL);
    g_autoptr (GHashTable) owners = proc_socket_owners (ret_hidden);
    g_autoptr (GArray) pids = proc_pids ();
    GPtrArray *found = g_ptr_array_new_with_free_func (process_free);
    Kernel kernel = { .sockets = sockets, .owners = owners };

    for (guint i = 0; i < pids->len; i++) {
        Process *process = process_new (g_array_index (pids, pid_t, i), &kernel);

        if (process)
            g_ptr_array_add (found, process);
    }
    return found;
}
