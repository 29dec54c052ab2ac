/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The least that a program with qmpmig's libraries can do: connect to a monitor, read its greeting,
 * send one line. */
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <json-c/json.h>

int
main (int argc, char **argv)
{
    static const char line[] = "{\"execute\": \"qmp_capabilities\"}\n";
    g_autoptr (GSocketClient) client = g_socket_client_new ();
    g_autoptr (GSocketAddress) address = g_unix_socket_address_new (argc > 1 ? argv[1] : "");
    g_autoptr (GSocketConnection) connection =
        g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);
    char greeting[4096];
    json_object *object;
    gssize got;

    if (!connection)
        return 3;
    got = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), greeting,
                               sizeof greeting - 1, NULL, NULL);
    greeting[MAX (got, 0)] = '\0';
    object = json_tokener_parse (greeting);
    if (!object)
        return 1;
    json_object_put (object);
    return !g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), line,
                                       sizeof line - 1, NULL, NULL, NULL);
}
