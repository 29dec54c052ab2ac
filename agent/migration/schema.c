/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/schema.h"

#include <string.h>

#include "agent/state.h"
#include "qmp/value.h"

#define DIGEST_FORMAT 2

/* Entries by name: types refer to each other by short, unstable names. */
static GHashTable *
index_entries (json_object *entries)
{
    GHashTable *index = g_hash_table_new (g_str_hash, g_str_equal);

    for (gsize i = 0; i < json_object_array_length (entries); i++) {
        json_object *entry = json_object_array_get_idx (entries, i);
        const char *name = qmp_peek_string (entry, "name", NULL);

        if (name)
            g_hash_table_insert (index, (gpointer)name, entry);
    }
    return index;
}

static json_object *
arguments_of (GHashTable *index, const char *command)
{
    json_object *entry = g_hash_table_lookup (index, command);
    const char *type = entry ? qmp_peek_string (entry, "arg-type", NULL) : NULL;

    return type ? g_hash_table_lookup (index, type) : NULL;
}

static json_object *
find_member (json_object *type, const char *name)
{
    json_object *members = type ? qmp_peek (type, "members") : NULL;

    for (gsize i = 0;
         json_object_is_type (members, json_type_array) && i < json_object_array_length (members);
         i++) {
        json_object *member = json_object_array_get_idx (members, i);

        if (g_strcmp0 (qmp_peek_string (member, "name", NULL), name) == 0)
            return member;
    }
    return NULL;
}

static json_object *
member_names (json_object *type)
{
    json_object *names = json_object_new_object ();
    json_object *members = type ? qmp_peek (type, "members") : NULL;

    for (gsize i = 0;
         json_object_is_type (members, json_type_array) && i < json_object_array_length (members);
         i++) {
        const char *name = qmp_peek_string (json_object_array_get_idx (members, i), "name", NULL);
        if (name)
            json_object_object_add (names, name, json_object_new_boolean (TRUE));
    }
    return names;
}

static json_object *
enum_values (json_object *type)
{
    json_object *names = json_object_new_object ();
    json_object *values = type ? qmp_peek (type, "values") : NULL;

    for (gsize i = 0;
         json_object_is_type (values, json_type_array) && i < json_object_array_length (values);
         i++)
        json_object_object_add (names,
                                json_object_get_string (json_object_array_get_idx (values, i)),
                                json_object_new_boolean (TRUE));
    return names;
}

json_object *
schema_digest (json_object *entries)
{
    g_autoptr (GHashTable) index = index_entries (entries);
    json_object *set = arguments_of (index, "migrate-set-parameters");
    json_object *compression = find_member (set, "multifd-compression");
    const char *type = compression ? qmp_peek_string (compression, "type", NULL) : NULL;

    return qmp_object (
        "format", json_object_new_int (DIGEST_FORMAT),
        /* QEMU 10.1 learnt multifd with postcopy; target-is-zero came with the same release. */
        "multifd-postcopy",
        json_object_new_boolean (
            find_member (arguments_of (index, "blockdev-mirror"), "target-is-zero") != NULL),
        "parameters", member_names (set), "compressions",
        enum_values (type ? g_hash_table_lookup (index, type) : NULL), NULL);
}

static char *
cache_path (const QmpVersion *version)
{
    g_autofree char *folder = state_cache_dir (NULL);
    g_autofree char *name = NULL;

    if (!folder)
        return NULL;
    name = g_strdup_printf ("schema-%u.%u.%u-%s.json", version->major, version->minor,
                            version->micro, version->package);
    g_strcanon (name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+~-", '_');
    return g_build_filename (folder, name, NULL);
}

static json_object *
read_cache (const char *path)
{
    g_autofree char *text = NULL;
    g_autoptr (json_object) digest = NULL;

    if (!path || !g_file_get_contents (path, &text, NULL, NULL))
        return NULL;
    digest = json_tokener_parse (text);
    if (!json_object_is_type (digest, json_type_object) ||
        qmp_peek_uint (digest, "format", 0) != DIGEST_FORMAT)
        return NULL;
    return g_steal_pointer (&digest);
}

static json_object *
ask_for_digest (QmpClient *client, const char *path, GError **error)
{
    g_autoptr (json_object) entries = qmp_client_call (client, "query-qmp-schema", NULL, error);
    json_object *digest;

    if (!entries)
        return NULL;
    if (!json_object_is_type (entries, json_type_array)) {
        qmp_fail (error, QMP_ERROR_PROTOCOL, "query-qmp-schema: the answer is not a list");
        return NULL;
    }
    digest = schema_digest (entries);
    if (path)
        g_file_set_contents (path, json_object_to_json_string_ext (digest, JSON_C_TO_STRING_PLAIN),
                             -1, NULL);
    return digest;
}

Schema *
schema_new (json_object *digest)
{
    Schema *self = g_new0 (Schema, 1);

    self->references = 1;
    self->has_multifd_postcopy = qmp_peek_bool (digest, "multifd-postcopy", FALSE);
    self->parameters = json_object_get (qmp_peek (digest, "parameters"));
    self->compressions = json_object_get (qmp_peek (digest, "compressions"));
    return self;
}

Schema *
schema_load (QmpClient *client, GError **error)
{
    g_autofree char *path = cache_path (qmp_client_version (client));
    g_autoptr (json_object) digest = read_cache (path);

    if (!digest)
        digest = ask_for_digest (client, path, error);
    return digest ? schema_new (digest) : NULL;
}

gboolean
schema_has_parameter (const Schema *self, const char *name)
{
    return json_object_object_get_ex (self->parameters, name, NULL);
}

gboolean
schema_has_compression (const Schema *self, const char *name)
{
    return json_object_object_get_ex (self->compressions, name, NULL);
}

Schema *
schema_ref (Schema *self)
{
    self->references++;
    return self;
}

void
schema_unref (Schema *self)
{
    if (!self || --self->references > 0)
        return;
    json_object_put (self->parameters);
    json_object_put (self->compressions);
    g_free (self);
}
