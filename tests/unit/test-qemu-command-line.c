/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/comma-list.h"
#include "agent/host/qemu-command-line.h"
#include "tests/unit/check.h"

static QemuCommandLine *
parse (const char *text)
{
    g_auto (GStrv) words = NULL;

    g_assert_true (g_shell_parse_argv (text, NULL, &words, NULL));
    return qemu_command_line_parse ((const char *const *)words, "/cwd");
}

static void
test_programs (void)
{
    static const struct {
        const char *text, *program;
    } cases[] = {
        { "/usr/bin/qemu-system-x86_64 -m 32", "qemu-system-x86_64" },
        { "qemu-system-aarch64", "qemu-system-aarch64" },
        { "/usr/libexec/qemu-kvm -m 1", "qemu-kvm" },
        { "kvm", "kvm" },
        { "/lib64/ld-linux-x86-64.so.2 --library-path /q/lib /q/bin/qemu-system-i386 -m 1",
          "qemu-system-i386" },
        { "/lib64/ld-linux-x86-64.so.2 --argv0=x --library-path /q/lib /q/bin/qemu-system-i386",
          "qemu-system-i386" },
        { "/lib64/ld-linux-x86-64.so.2 --library-path", NULL },
        { "/lib64/ld-linux-x86-64.so.2 /bin/ls", NULL },
        { "qemu-img convert", NULL },
        { "vim qemu-system-x86_64.c", NULL },
        { "grep qemu-system-x86_64", NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (QemuCommandLine) line = parse (cases[i].text);

        g_test_message ("%s", cases[i].text);
        g_assert_cmpstr (line ? line->program : NULL, ==, cases[i].program);
    }
}

static void
test_names (void)
{
    static const struct {
        const char *text, *name, *uuid;
        gboolean is_incoming;
    } cases[] = {
        { "kvm -name web1 -uuid u", "web1", "u", FALSE },
        { "kvm --name guest=web1,debug-threads=on", "web1", NULL, FALSE },
        { "kvm -name debug-threads=on", NULL, NULL, FALSE },
        { "kvm -name a,,b,process=c -incoming defer", "a,b", NULL, TRUE },
        { "kvm -m 1", NULL, NULL, FALSE },
        { "kvm -name", NULL, NULL, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (QemuCommandLine) line = parse (cases[i].text);

        g_assert_cmpstr (line->name, ==, cases[i].name);
        g_assert_cmpstr (line->uuid, ==, cases[i].uuid);
        g_assert_cmpint (line->is_incoming, ==, cases[i].is_incoming);
    }
}

static void
test_monitors (void)
{
    static const struct {
        const char *text, *address;
        int fd;
        gboolean is_server;
    } cases[] = {
        { "kvm -qmp unix:/run/a.sock,server=on,wait=off", "unix:/run/a.sock", -1, TRUE },
        { "kvm -qmp-pretty unix:/run/a.sock,server,nowait", "unix:/run/a.sock", -1, TRUE },
        { "kvm --qmp unix:a.sock,server=on", "unix:/cwd/a.sock", -1, TRUE },
        { "kvm -qmp unix:/run/a.sock", "unix:/run/a.sock", -1, FALSE },
        { "kvm -qmp unix:/run/a.sock,server=off", "unix:/run/a.sock", -1, FALSE },
        { "kvm -qmp tcp:127.0.0.1:4444,server=on", "tcp:127.0.0.1:4444", -1, TRUE },
        { "kvm -qmp tcp::4444,server=on", "tcp:localhost:4444", -1, TRUE },
        { "kvm -qmp tcp:[::1]:4444,server=on", "tcp:[::1]:4444", -1, TRUE },
        { "kvm -chardev socket,id=m,path=/run/m,server=on,wait=off -mon chardev=m,mode=control",
          "unix:/run/m", -1, TRUE },
        { "kvm -mon m,mode=control -chardev socket,id=m,path=/run/a,,b,server", "unix:/run/a,b", -1,
          TRUE },
        { "kvm -chardev socket,id=m,host=::1,port=1,server=on -mon chardev=m,mode=control",
          "tcp:[::1]:1", -1, TRUE },
        { "kvm -chardev socket,id=m,fd=23,server=on -mon chardev=m,id=monitor,mode=control", NULL,
          23, TRUE },
        { "kvm -chardev socket,id=x,path=/run/x,server=on -qmp chardev:x", "unix:/run/x", -1,
          TRUE },
    };

    for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autoptr (QemuCommandLine) line = parse (cases[i].text);
        const QemuMonitor *monitor;

        g_test_message ("%s", cases[i].text);
        g_assert_cmpuint (line->monitors->len, ==, 1);
        monitor = g_ptr_array_index (line->monitors, 0);
        g_assert_cmpstr (monitor->address, ==, cases[i].address);
        g_assert_cmpint (monitor->fd, ==, cases[i].fd);
        g_assert_cmpint (monitor->is_server, ==, cases[i].is_server);
    }
}

static void
test_no_monitors (void)
{
    static const char *const texts[] = {
        "kvm -qmp stdio",
        "kvm -monitor unix:/run/a.sock,server=on",
        "kvm -chardev socket,id=m,path=/run/m,server=on -mon chardev=m",
        "kvm -chardev socket,id=m,path=/run/m,server=on -mon chardev=n,mode=control",
        "kvm -chardev pty,id=m -mon chardev=m,mode=control",
        "kvm -qmp",
    };

    for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
        g_autoptr (QemuCommandLine) line = parse (texts[i]);

        g_test_message ("%s", texts[i]);
        g_assert_cmpuint (line->monitors->len, ==, 0);
    }
}

static void
test_comma_list (void)
{
    g_auto (GStrv) items = comma_list_split ("socket,id=a,,b,,,path=,server,id=c");
    const char *const *list = (const char *const *)items;

    g_assert_cmpstr (items[0], ==, "socket");
    g_assert_cmpstr (items[1], ==, "id=a,b,");
    g_assert_cmpuint (g_strv_length (items), ==, 5);
    g_assert_cmpstr (comma_list_get (list, "id"), ==, "c");
    g_assert_cmpstr (comma_list_get (list, "path"), ==, "");
    g_assert_cmpstr (comma_list_get (list, "server"), ==, "");
    g_assert_cmpstr (comma_list_get (list, "i"), ==, NULL);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    check_add ("/qemu-command-line/a-qemu-is-known-by-its-name", test_programs);
    check_add ("/qemu-command-line/name-and-uuid-as-they-were-given", test_names);
    check_add ("/qemu-command-line/monitors-are-found-in-each-way-of-writing-them", test_monitors);
    check_add ("/qemu-command-line/what-speaks-no-qmp-is-left-out", test_no_monitors);
    check_add ("/qemu-command-line/a-doubled-comma-is-one-of-the-value", test_comma_list);
    return g_test_run ();
}
