/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/control-socket.h"

#include "agent/exit-code.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* How long another process may take between looking at a stale socket and replacing it. */
#define LOCK_TIMEOUT_US (2 * G_USEC_PER_SEC)
#define LOCK_RETRY_US   (10 * 1000)
#define BACKLOG         64
/* Of the service, which runs as a user of its own (qmpmig-agent.service). */
#define SERVICE_CONTROL_DIR "/run/qmpmig/agent/control"

G_DEFINE_QUARK (control_error_quark, control_error)

gboolean
control_fail (GError **error, int exit_code, const char *format, ...)
{
    va_list arguments;

    va_start (arguments, format);
    g_propagate_error (error, g_error_new_valist (CONTROL_ERROR, exit_code, format, arguments));
    va_end (arguments);
    return FALSE;
}

/* systemd may name several folders, separated by colons. */
static char *
service_runtime_dir (void)
{
    const char *given = g_getenv ("RUNTIME_DIRECTORY");

    if (!given || !g_path_is_absolute (given))
        return NULL;
    return g_strndup (given, strcspn (given, ":"));
}

char *
control_runtime_dir (void)
{
    const char *session = g_getenv ("XDG_RUNTIME_DIR");
    char *service = service_runtime_dir ();

    if (service)
        return service;
    if (geteuid () == 0)
        return g_strdup ("/run/qmpmig");
    if (session && g_path_is_absolute (session))
        return g_build_filename (session, "qmpmig", NULL);
    return g_strdup_printf ("%s/qmpmig-%u", g_get_tmp_dir (), (guint)geteuid ());
}

/* The three ways of saying "this host" lead to the same monitor. */
static const char *
plain_host (const char *host)
{
    static const char *const loopback[] = { "localhost", "127.0.0.1", "::1", NULL };

    return g_strv_contains (loopback, host) ? "localhost" : host;
}

static char *
tcp_name (const QmpAddress *monitor)
{
    g_autofree char *host = g_ascii_strdown (plain_host (monitor->host), -1);
    g_autofree char *digest = NULL;

    /* A path in a socket address has 107 bytes in all. */
    if (strlen (host) > 40) {
        digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, host, -1);
        host[24] = '\0';
        return g_strdup_printf ("tcp-%s~%.12s-%u.sock", host, digest, monitor->port);
    }
    g_strdelimit (host, "/", '_');
    return g_strdup_printf ("tcp-%s-%u.sock", host, monitor->port);
}

/* Short enough for a socket's path, whatever the URI. */
static char *
libvirt_name (const QmpAddress *monitor)
{
    g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, monitor->text, -1);

    return g_strdup_printf ("libvirt-%.16s.sock", digest);
}

char *
control_name (const QmpAddress *monitor, GError **error)
{
    struct stat at;

    if (monitor->kind == QMP_ADDRESS_TCP)
        return tcp_name (monitor);
    if (monitor->kind == QMP_ADDRESS_LIBVIRT)
        return libvirt_name (monitor);
    if (stat (monitor->path, &at) == 0)
        return g_strdup_printf ("%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".sock",
                                (guint64)at.st_dev, (guint64)at.st_ino);
    if (errno == ENOENT)
        control_fail (error, EXIT_UNREACHABLE,
                      "no such socket: %s; `qmpmig list` shows those of this host", monitor->path);
    else
        control_fail (error, EXIT_UNREACHABLE, "%s: %s%s", monitor->path, g_strerror (errno),
                      errno == EACCES ? ": QEMU's user may use it, or root" : "");
    return NULL;
}

char *
control_path (const QmpAddress *monitor, GError **error)
{
    g_autofree char *name = control_name (monitor, error);
    g_autofree char *runtime = control_runtime_dir ();

    return name ? g_build_filename (runtime, "control", name, NULL) : NULL;
}

/* In a folder that others may write to, somebody else could have put the socket there. */
static gboolean
check_dir (const char *path, mode_t forbidden, GError **error)
{
    struct stat at;

    if (lstat (path, &at) != 0)
        return control_fail (error, EXIT_INTERNAL, "%s: %s", path, g_strerror (errno));
    if (!S_ISDIR (at.st_mode))
        return control_fail (error, EXIT_USAGE, "%s is not a folder", path);
    if (at.st_uid != geteuid () && at.st_uid != 0)
        return control_fail (error, EXIT_USAGE, "%s belongs to uid %u, not to us (uid %u)", path,
                             (guint)at.st_uid, (guint)geteuid ());
    if (at.st_mode & forbidden)
        return control_fail (error, EXIT_USAGE,
                             "%s may be used by others (mode %04o): chmod go-rwx it", path,
                             at.st_mode & 07777);
    return TRUE;
}

gboolean
control_make_dir (GError **error)
{
    g_autofree char *runtime = control_runtime_dir ();
    g_autofree char *control = g_build_filename (runtime, "control", NULL);

    /* systemd makes RUNTIME_DIRECTORY readable for all, which is fine; the folder inside is ours.
     */
    if (g_mkdir_with_parents (runtime, 0700) != 0)
        return control_fail (error, EXIT_INTERNAL, "cannot make %s: %s", runtime,
                             g_strerror (errno));
    if (!check_dir (runtime, 022, error))
        return FALSE;
    if (g_mkdir (control, 0700) != 0 && errno != EEXIST)
        return control_fail (error, EXIT_INTERNAL, "cannot make %s: %s", control,
                             g_strerror (errno));
    return check_dir (control, 077, error);
}

/* Where the sessions of users have theirs, for root. A monitor that is a file belongs to somebody,
 * and only his qmpmig is believed; any user can reach a TCP monitor. */
static void
add_sessions (GPtrArray *paths, const QmpAddress *monitor, const char *name)
{
    g_autoptr (GDir) users = g_dir_open ("/run/user", 0, NULL);
    g_autofree char *owner = NULL;
    struct stat at;
    const char *user;

    if (monitor->kind == QMP_ADDRESS_UNIX && stat (monitor->path, &at) == 0)
        owner = g_strdup_printf ("%u", (guint)at.st_uid);
    while (users && (user = g_dir_read_name (users)) != NULL)
        if (!owner || g_str_equal (owner, user))
            g_ptr_array_add (paths,
                             g_build_filename ("/run/user", user, "qmpmig", "control", name, NULL));
}

char **
control_candidates (const QmpAddress *monitor, GError **error)
{
    g_autofree char *name = control_name (monitor, error);
    g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);

    if (!name)
        return NULL;
    g_ptr_array_add (paths, control_path (monitor, NULL));
    if (geteuid () == 0) {
        g_ptr_array_add (paths, g_build_filename (SERVICE_CONTROL_DIR, name, NULL));
        add_sessions (paths, monitor, name);
    }
    g_ptr_array_add (paths, NULL);
    return (char **)g_ptr_array_free (g_steal_pointer (&paths), FALSE);
}

gboolean
control_uid_is_trusted (uid_t ours, uid_t theirs)
{
    return theirs == ours || theirs == 0;
}

gboolean
control_peer (int fd, uid_t *ret_uid, pid_t *ret_pid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return FALSE;
    *ret_uid = peer.uid;
    *ret_pid = peer.pid;
    return TRUE;
}

static gboolean
fill_address (struct sockaddr_un *address, const char *path)
{
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    errno = ENAMETOOLONG;
    return g_strlcpy (address->sun_path, path, sizeof address->sun_path) < sizeof address->sun_path;
}

static int
new_socket (void)
{
    return socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int
control_connect (const char *path)
{
    g_auto (ControlFd) fd = new_socket ();
    struct sockaddr_un address;

    if (fd < 0 || !fill_address (&address, path))
        return -1;
    if (connect (fd, (struct sockaddr *)&address, sizeof address) != 0)
        return -1;
    return g_steal_fd (&fd);
}

/* Between finding a socket stale and replacing it nobody else may do the same. */
static int
lock_dir (const char *path, GError **error)
{
    g_autofree char *dir = g_path_get_dirname (path);
    g_auto (ControlFd) fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gint64 deadline_us = g_get_monotonic_time () + LOCK_TIMEOUT_US;

    while (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || g_get_monotonic_time () > deadline_us) {
            control_fail (error, EXIT_INTERNAL, "cannot lock %s: %s", dir, g_strerror (errno));
            return -1;
        }
        g_usleep (LOCK_RETRY_US);
    }
    if (fd < 0)
        control_fail (error, EXIT_INTERNAL, "%s: %s", dir, g_strerror (errno));
    return g_steal_fd (&fd);
}

/* Takes away a socket that nobody listens at any more; fails when somebody does. */
static gboolean
remove_stale (const char *path, GError **error)
{
    g_auto (ControlFd) fd = control_connect (path);
    uid_t uid;
    pid_t pid;

    if (fd >= 0 && control_peer (fd, &uid, &pid))
        return control_fail (error, EXIT_UNREACHABLE,
                             "qmpmig (pid %d) steers this migration already: `status`, "
                             "`set`, `finish` and `cancel` reach it",
                             (int)pid);
    if (fd >= 0 || errno == EAGAIN)
        return control_fail (error, EXIT_UNREACHABLE,
                             "another qmpmig steers this migration already (%s)", path);
    if (errno == ENOENT || (errno == ECONNREFUSED && unlink (path) == 0))
        return TRUE;
    return control_fail (error, EXIT_INTERNAL, "%s: %s", path, g_strerror (errno));
}

int
control_listen (const char *path, struct stat *ret_identity, GError **error)
{
    g_auto (ControlFd) lock = lock_dir (path, error);
    g_auto (ControlFd) fd = new_socket ();
    struct sockaddr_un address;

    if (lock < 0 || !remove_stale (path, error))
        return -1;
    /* The mode that the descriptor has is the one that the socket's file gets. */
    if (fd < 0 || !fill_address (&address, path) || fchmod (fd, 0600) != 0 ||
        bind (fd, (struct sockaddr *)&address, sizeof address) != 0 || listen (fd, BACKLOG) != 0 ||
        lstat (path, ret_identity) != 0) {
        control_fail (error, EXIT_INTERNAL, "cannot listen at %s: %s", path, g_strerror (errno));
        return -1;
    }
    return g_steal_fd (&fd);
}
