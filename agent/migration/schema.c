/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/schema.h"

#include <string.h>

#include "agent/state.h"
#include "qmp/value.h"

#define DIGEST_FORMAT 2

/* What is looked for: types refer to each other by short, unstable names. */
typedef struct {
    const char *name; /* NULL: nothing */
    json_object *entry;
} Wanted;

enum { SET, MIRROR, COMMANDS };

typedef struct {
    Wanted commands[COMMANDS], arguments[COMMANDS], compression;
} Findings;

static void
findings_clear (Findings *self)
{
    for (guint i = 0; i < COMMANDS; i++) {
        json_object_put (self->commands[i].entry);
        json_object_put (self->arguments[i].entry);
    }
    json_object_put (self->compression.entry);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Findings, findings_clear)

/* TRUE when that was the last that lacked. */
static gboolean
take_entry (Wanted *wanted, guint count, json_object *entry)
{
    const char *name = qmp_peek_string (entry, "name", NULL);
    gboolean lacks = FALSE;

    for (guint i = 0; i < count; i++) {
        if (!wanted[i].entry && wanted[i].name && g_strcmp0 (wanted[i].name, name) == 0)
            wanted[i].entry = json_object_get (entry);
        lacks = lacks || (wanted[i].name && !wanted[i].entry);
    }
    return !lacks;
}

/* Once through ENTRIES, as far as needed: as objects, all of them would be most of our memory. */
static gboolean
find_entries (QmpList *entries, Wanted *wanted, guint count, GError **error)
{
    gboolean more, done = FALSE;

    qmp_list_rewind (entries);
    do {
        g_autoptr (json_object) entry = NULL;

        if (!qmp_list_next (entries, &more, &entry, error))
            return FALSE;
        done = more && take_entry (wanted, count, entry);
    } while (more && !done);
    return TRUE;
}

static json_object *
find_member (json_object *type, const char *name)
{
    json_object *members = type ? qmp_peek (type, "members") : NULL;

    for (gsize i = 0; i < qmp_length (members); i++) {
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

    for (gsize i = 0; i < qmp_length (members); i++) {
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

    for (gsize i = 0; i < qmp_length (values); i++)
        json_object_object_add (names,
                                json_object_get_string (json_object_array_get_idx (values, i)),
                                json_object_new_boolean (TRUE));
    return names;
}

/* Commands first, then what they take, then what a compression can be. */
static gboolean
find (QmpList *entries, Findings *found, GError **error)
{
    found->commands[SET].name = "migrate-set-parameters";
    found->commands[MIRROR].name = "blockdev-mirror";
    if (!find_entries (entries, found->commands, COMMANDS, error))
        return FALSE;
    for (guint i = 0; i < COMMANDS; i++)
        found->arguments[i].name = qmp_peek_string (found->commands[i].entry, "arg-type", NULL);
    if (!find_entries (entries, found->arguments, COMMANDS, error))
        return FALSE;
    found->compression.name = qmp_peek_string (
        find_member (found->arguments[SET].entry, "multifd-compression"), "type", NULL);
    return find_entries (entries, &found->compression, 1, error);
}

json_object *
schema_digest (QmpList *entries, GError **error)
{
    g_auto (Findings) found = { 0 };

    if (!find (entries, &found, error))
        return NULL;
    return qmp_object (
        "format", json_object_new_int (DIGEST_FORMAT),
        /* QEMU 10.1 learnt multifd with postcopy; target-is-zero came with the same release. */
        "multifd-postcopy",
        json_object_new_boolean (find_member (found.arguments[MIRROR].entry, "target-is-zero") !=
                                 NULL),
        "parameters", member_names (found.arguments[SET].entry), "compressions",
        enum_values (found.compression.entry), NULL);
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
    g_autoptr (QmpList) entries = qmp_client_call_list (client, "query-qmp-schema", NULL, error);
    json_object *digest = entries ? schema_digest (entries, error) : NULL;

    if (!digest)
        return NULL;
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
