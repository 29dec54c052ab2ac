/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The least that a program with qmpmig's libraries can do: connect to a monitor, read its greeting,
 * send some lines and wait for the answer to each. */
#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <json-c/json.h>
#include <string.h>

#define QUESTIONS 9

static gboolean
hear (GIOStream *stream)
{
    char text[4096];
    gssize got = g_input_stream_read (g_io_stream_get_input_stream (stream), text, sizeof text - 1,
                                      NULL, NULL);
    json_object *object;

    text[MAX (got, 0)] = '\0';
    object = json_tokener_parse (text);
    json_object_put (object);
    return object != NULL;
}

static gboolean
ask (GIOStream *stream, const char *line)
{
    return g_output_stream_write_all (g_io_stream_get_output_stream (stream), line, strlen (line),
                                      NULL, NULL, NULL) &&
           hear (stream);
}

int
main (int argc, char **argv)
{
    g_autoptr (GSocketClient) client = g_socket_client_new ();
    g_autoptr (GSocketAddress) address = g_unix_socket_address_new (argc > 1 ? argv[1] : "");
    g_autoptr (GSocketConnection) connection =
        g_socket_client_connect (client, G_SOCKET_CONNECTABLE (address), NULL, NULL);
    GIOStream *stream = G_IO_STREAM (connection);

    if (!connection)
        return 3;
    if (!hear (stream) || !ask (stream, "{\"execute\": \"qmp_capabilities\"}\n"))
        return 1;
    for (int i = 0; i < QUESTIONS; i++)
        if (!ask (stream, "{\"execute\": \"query-status\", \"id\": 1}\n"))
            return 1;
    return 0;
}
