/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/host/qemu-command-line.h"

#include <stdlib.h>
#include <string.h>

#include "agent/comma-list.h"

static void
monitor_free (gpointer data)
{
    QemuMonitor *self = data;

    g_free (self->address);
    g_free (self);
}

void
qemu_command_line_free (QemuCommandLine *self)
{
    if (!self)
        return;
    g_free (self->program);
    g_free (self->name);
    g_free (self->uuid);
    g_ptr_array_unref (self->monitors);
    g_free (self);
}

/* --- which program --------------------------------------------------------------------------- */

static gboolean
is_qemu (const char *base)
{
    return g_str_has_prefix (base, "qemu-system-") || !strcmp (base, "qemu-kvm") ||
           !strcmp (base, "kvm");
}

/* "ld-linux-x86-64.so.2 --library-path DIR PROGRAM ...": how a QEMU unpacked into a folder is
 * started. Its options take a word each. */
static const char *const *
skip_loader (const char *const *words)
{
    g_autofree char *base = g_path_get_basename (words[0]);

    if (!g_str_has_prefix (base, "ld-") && !g_str_has_prefix (base, "ld.so"))
        return words;
    for (words++; *words && g_str_has_prefix (*words, "--"); words++)
        if (!strchr (*words, '=') && words[1])
            words++;
    return words;
}

/* --- addresses ------------------------------------------------------------------------------- */

static char *
unix_address (const char *path, const char *cwd)
{
    g_autofree char *absolute =
        cwd || path[0] == '/' ? g_canonicalize_filename (path, cwd ? cwd : "/") : g_strdup (path);

    return g_strconcat ("unix:", absolute, NULL);
}

static gboolean
is_on (const char *value)
{
    return value && (!value[0] || !strcmp (value, "on") || !strcmp (value, "yes"));
}

static void
add_monitor (QemuCommandLine *self, char *address, int fd, gboolean is_server)
{
    QemuMonitor *monitor = g_new0 (QemuMonitor, 1);

    *monitor = (QemuMonitor){ .address = address, .fd = fd, .is_server = is_server };
    g_ptr_array_add (self->monitors, monitor);
}

/* An empty host is any of this host's addresses. */
static char *
tcp_address (const char *host, const char *port)
{
    const char *shown = host && host[0] ? host : "localhost";
    gboolean is_v6 = strchr (shown, ':') && shown[0] != '[';

    return g_strdup_printf (is_v6 ? "tcp:[%s]:%s" : "tcp:%s:%s", shown, port);
}

/* "socket,id=mon0,path=...,server=on" */
static void
add_chardev (QemuCommandLine *self, const char *const *items, const char *cwd)
{
    const char *path = comma_list_get (items, "path");
    const char *port = comma_list_get (items, "port");
    const char *fd = comma_list_get (items, "fd");
    gboolean is_server = is_on (comma_list_get (items, "server"));

    if (path)
        add_monitor (self, unix_address (path, cwd), -1, is_server);
    else if (port)
        add_monitor (self, tcp_address (comma_list_get (items, "host"), port), -1, is_server);
    else if (fd && g_ascii_isdigit (fd[0]))
        add_monitor (self, NULL, atoi (fd), is_server);
}

/* The chardev of that id, wherever on the line it stands. */
static void
add_chardev_by_id (QemuCommandLine *self, const char *const *words, const char *id, const char *cwd)
{
    for (; words[0] && words[1]; words++) {
        g_auto (GStrv) items = NULL;

        if (strcmp (words[0], "-chardev") != 0 && strcmp (words[0], "--chardev") != 0)
            continue;
        items = comma_list_split (words[1]);
        if (!strcmp (items[0], "socket") &&
            !g_strcmp0 (comma_list_get ((const char *const *)items, "id"), id))
            add_chardev (self, (const char *const *)items, cwd);
    }
}

/* -qmp unix:PATH,server=on or tcp:HOST:PORT,server=on or chardev:ID */
static void
add_qmp (QemuCommandLine *self, const char *const *words, const char *text, const char *cwd)
{
    g_auto (GStrv) items = comma_list_split (text);
    gboolean is_server = is_on (comma_list_get ((const char *const *)items, "server"));
    const char *port = strrchr (items[0], ':');

    if (g_str_has_prefix (items[0], "unix:")) {
        add_monitor (self, unix_address (items[0] + strlen ("unix:"), cwd), -1, is_server);
    } else if (g_str_has_prefix (items[0], "tcp:") && port > items[0] + 3) {
        g_autofree char *host =
            g_strndup (items[0] + strlen ("tcp:"), port - items[0] - strlen ("tcp:"));

        add_monitor (self, tcp_address (host, port + 1), -1, is_server);
    } else if (g_str_has_prefix (items[0], "chardev:")) {
        add_chardev_by_id (self, words, items[0] + strlen ("chardev:"), cwd);
    }
}

/* -mon chardev=ID,mode=control or -mon ID,mode=control */
static void
add_mon (QemuCommandLine *self, const char *const *words, const char *text, const char *cwd)
{
    g_auto (GStrv) items = comma_list_split (text);
    const char *id = comma_list_get ((const char *const *)items, "chardev");

    if (g_strcmp0 (comma_list_get ((const char *const *)items, "mode"), "control") != 0)
        return;
    if (!id && !strchr (items[0], '='))
        id = items[0];
    if (id)
        add_chardev_by_id (self, words, id, cwd);
}

/* -name web1 or -name guest=web1,debug-threads=on */
static char *
guest_name (const char *text)
{
    g_auto (GStrv) items = comma_list_split (text);
    const char *name = comma_list_get ((const char *const *)items, "guest");

    return g_strdup (name ? name : strchr (items[0], '=') ? NULL : items[0]);
}

static void
read_option (QemuCommandLine *self, const char *const *words, const char *option, const char *value,
             const char *cwd)
{
    if (!strcmp (option, "name")) {
        g_free (self->name);
        self->name = guest_name (value);
    } else if (!strcmp (option, "uuid")) {
        g_free (self->uuid);
        self->uuid = g_strdup (value);
    } else if (!strcmp (option, "qmp") || !strcmp (option, "qmp-pretty")) {
        add_qmp (self, words, value, cwd);
    } else if (!strcmp (option, "mon")) {
        add_mon (self, words, value, cwd);
    } else if (!strcmp (option, "incoming")) {
        self->is_incoming = TRUE;
    }
}

QemuCommandLine *
qemu_command_line_parse (const char *const *words, const char *cwd)
{
    g_autofree char *base = NULL;
    QemuCommandLine *self;

    if (!words[0])
        return NULL;
    words = skip_loader (words);
    base = words[0] ? g_path_get_basename (words[0]) : NULL;
    if (!base || !is_qemu (base))
        return NULL;
    self = g_new0 (QemuCommandLine, 1);
    self->program = g_steal_pointer (&base);
    self->monitors = g_ptr_array_new_with_free_func (monitor_free);
    for (guint i = 1; words[i] && words[i + 1]; i++) {
        const char *option = words[i];

        if (option[0] != '-')
            continue;
        read_option (self, words + 1, option + (option[1] == '-' ? 2 : 1), words[i + 1], cwd);
    }
    return self;
}
