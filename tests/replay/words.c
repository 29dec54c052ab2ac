/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/replay/words.h"

#include <stddef.h>
#include <string.h>

#include "tests/abi/fields.h"

#define FIELD(owner, name)                                                                         \
    { #name, offsetof (struct owner, name), sizeof (((struct owner *)0)->name) },
#define INNER(outer, limit) { #limit, offsetof (struct outer, limits.limit), sizeof (uint64_t) },
#define LIMITS(outer)                                                                              \
    INNER (outer, max_downtime_us)                                                                 \
    INNER (outer, max_stall_us)                                                                    \
    INNER (outer, deadline_left_us)                                                                \
    INNER (outer, abort_left_us)                                                                   \
    INNER (outer, max_throttle_pct)                                                                \
    INNER (outer, max_bandwidth_bytes_per_s)                                                       \
    INNER (outer, if_stuck)                                                                        \
    INNER (outer, postcopy)

/* bandwidth_bytes_per_s is the sample's own before it is a limit. */
const Field context_fields[] = { QMPMIG_CONTEXT_FIELDS (FIELD){ 0 } };
const Field facts_fields[] = { QMPMIG_FACTS_FIELDS (FIELD) LIMITS (qmpmig_facts){ 0 } };
const Field sample_fields[] = { QMPMIG_SAMPLE_FIELDS (FIELD) LIMITS (qmpmig_sample){ 0 } };
const Field plan_fields[] = { QMPMIG_PLAN_FIELDS (FIELD){ 0 } };
const Field advice_fields[] = { QMPMIG_ADVICE_FIELDS (FIELD){ 0 } };

typedef struct {
    const char *field, *word;
    guint64 value;
    gboolean is_bit;
} Word;

#define BIT(field, word, value)                                                                    \
    {                                                                                              \
#field, word, value, TRUE                                                                  \
    }
#define ENUM(field, word, value)                                                                   \
    {                                                                                              \
#field, word, value, FALSE                                                                 \
    }

static const Word words[] = {
    BIT (why, "clock", QMPMIG_WHY_CLOCK),
    BIT (why, "event", QMPMIG_WHY_EVENT),
    BIT (why, "pass", QMPMIG_WHY_PASS),
    BIT (why, "sync", QMPMIG_WHY_SYNC),
    BIT (why, "status", QMPMIG_WHY_STATUS),
    BIT (why, "limits", QMPMIG_WHY_LIMITS),
    BIT (why, "effect", QMPMIG_WHY_EFFECT),
    BIT (why, "finish", QMPMIG_WHY_FINISH),
    BIT (may, "throttle-up", QMPMIG_MAY_THROTTLE_UP),
    BIT (may, "throttle-down", QMPMIG_MAY_THROTTLE_DOWN),
    BIT (may, "downtime", QMPMIG_MAY_DOWNTIME),
    BIT (may, "bandwidth", QMPMIG_MAY_BANDWIDTH),
    BIT (may, "postcopy", QMPMIG_MAY_POSTCOPY),
    BIT (may, "xbzrle-cache", QMPMIG_MAY_XBZRLE_CACHE),
    BIT (may, "pause-guest", QMPMIG_MAY_PAUSE_GUEST),
    BIT (may, "cancel", QMPMIG_MAY_CANCEL),
    BIT (can, "postcopy", QMPMIG_CAN_POSTCOPY),
    BIT (can, "multifd", QMPMIG_CAN_MULTIFD),
    BIT (can, "preempt", QMPMIG_CAN_PREEMPT),
    BIT (can, "throttle", QMPMIG_CAN_THROTTLE),
    BIT (can, "xbzrle", QMPMIG_CAN_XBZRLE),
    BIT (can, "multifd", QMPMIG_CAN_MULTIFD),
    BIT (postcopy_blockers, "destination", QMPMIG_BLOCKER_DESTINATION),
    BIT (postcopy_blockers, "transport", QMPMIG_BLOCKER_TRANSPORT),
    BIT (postcopy_blockers, "method", QMPMIG_BLOCKER_METHOD),
    BIT (postcopy_blockers, "operator", QMPMIG_BLOCKER_OPERATOR),
    BIT (needs, "downtime", QMPMIG_NEEDS_DOWNTIME),
    BIT (needs, "bandwidth", QMPMIG_NEEDS_BANDWIDTH),
    BIT (needs, "postcopy", QMPMIG_NEEDS_POSTCOPY),
    BIT (needs, "time", QMPMIG_NEEDS_TIME),
    BIT (needs, "throttle", QMPMIG_NEEDS_THROTTLE),
    ENUM (if_stuck, "wait", QMPMIG_STUCK_WAIT),
    ENUM (if_stuck, "pause-guest", QMPMIG_STUCK_PAUSE_GUEST),
    ENUM (if_stuck, "cancel", QMPMIG_STUCK_CANCEL),
    ENUM (kind, "own", QMPMIG_KIND_OWN),
    ENUM (kind, "libvirt", QMPMIG_KIND_LIBVIRT),
    ENUM (kind, "foreign", QMPMIG_KIND_FOREIGN),
    ENUM (kind, "simulated", QMPMIG_KIND_SIMULATED),
    ENUM (status, "active", QMPMIG_STATUS_ACTIVE),
    ENUM (status, "postcopy-active", QMPMIG_STATUS_POSTCOPY),
    ENUM (throttle, "none", QMPMIG_THROTTLE_NONE),
    ENUM (throttle, "steered", QMPMIG_THROTTLE_STEERED),
    ENUM (throttle, "ramp", QMPMIG_THROTTLE_RAMP),
    ENUM (action, "none", QMPMIG_ACTION_NONE),
    ENUM (action, "postcopy", QMPMIG_ACTION_POSTCOPY),
    ENUM (action, "pause-guest", QMPMIG_ACTION_PAUSE_GUEST),
    ENUM (action, "cancel", QMPMIG_ACTION_CANCEL),
    ENUM (verdict, "unknown", QMPMIG_VERDICT_UNKNOWN),
    ENUM (verdict, "on-course", QMPMIG_VERDICT_ON_COURSE),
    ENUM (verdict, "needs-action", QMPMIG_VERDICT_NEEDS_ACTION),
    ENUM (verdict, "cannot", QMPMIG_VERDICT_CANNOT),
};

static gboolean G_GNUC_PRINTF (2, 3) fail (GError **error, const char *format, ...)
{
    va_list args;
    g_autofree char *text = NULL;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    g_set_error_literal (error, G_MARKUP_ERROR, 0, text);
    return FALSE;
}

/* --- reading --------------------------------------------------------------------------------- */

static gboolean
read_word (const Field *field, json_object *value, guint64 *ret, GError **error)
{
    const char *text = json_object_get_string (value);

    for (guint i = 0; i < G_N_ELEMENTS (words); i++)
        if (!strcmp (words[i].field, field->name) && !strcmp (words[i].word, text)) {
            *ret = words[i].value;
            return TRUE;
        }
    return fail (error, "%s has no word %s", field->name, text);
}

static gboolean
read_value (const Field *field, json_object *value, guint64 *ret, GError **error)
{
    switch (json_object_get_type (value)) {
    case json_type_int:
        *ret = json_object_get_uint64 (value);
        return TRUE;
    case json_type_boolean:
        *ret = (guint64)json_object_get_boolean (value);
        return TRUE;
    case json_type_string:
        return read_word (field, value, ret, error);
    case json_type_array:
        *ret = 0;
        for (size_t i = 0; i < json_object_array_length (value); i++) {
            guint64 bit;

            if (!read_word (field, json_object_array_get_idx (value, i), &bit, error))
                return FALSE;
            *ret |= bit;
        }
        return TRUE;
    case json_type_null:
    case json_type_double:
    case json_type_object:
        break;
    }
    return fail (error, "%s is of no type that it can have", field->name);
}

static void
read_curve (json_object *points, struct qmpmig_curve *curve)
{
    for (size_t i = 0; i < MIN (json_object_array_length (points), QMPMIG_CURVE_POINTS); i++) {
        json_object *point = json_object_array_get_idx (points, i);

        curve->time_us[i] = json_object_get_uint64 (json_object_array_get_idx (point, 0));
        curve->bytes[i] = json_object_get_uint64 (json_object_array_get_idx (point, 1));
    }
}

static gboolean
read_field (const Field *field, json_object *value, char *data, GError **error)
{
    guint64 number = 0;
    guint32 half;

    if (field->size > 8) {
        g_strlcpy (data + field->offset, json_object_get_string (value), field->size);
        return TRUE;
    }
    if (!read_value (field, value, &number, error))
        return FALSE;
    half = (guint32)number;
    memcpy (data + field->offset, field->size == 4 ? (void *)&half : (void *)&number, field->size);
    return TRUE;
}

gboolean
words_read (json_object *object, const Field *fields, gpointer data, struct qmpmig_curve *curve,
            GError **error)
{
    json_object_object_foreach (object, key, value) {
        const Field *field = fields;

        while (field->name && strcmp (field->name, key) != 0)
            field++;
        if (!strcmp (key, "type"))
            continue;
        if (!field->name)
            return fail (error, "no field %s", key);
        if (!strcmp (key, "curve"))
            read_curve (value, curve);
        else if (!read_field (field, value, data, error))
            return FALSE;
    }
    return TRUE;
}

/* --- writing --------------------------------------------------------------------------------- */

typedef struct {
    const char *type, *field;
    guint64 bit;
} Setter;

static const Setter setters[] = {
    { "plan", "postcopy", QMPMIG_PLAN_POSTCOPY },
    { "plan", "preempt", QMPMIG_PLAN_PREEMPT },
    { "plan", "throttle", QMPMIG_PLAN_THROTTLE },
    { "plan", "ramp_initial_pct", QMPMIG_PLAN_RAMP },
    { "plan", "ramp_increment_pct", QMPMIG_PLAN_RAMP },
    { "plan", "ramp_max_pct", QMPMIG_PLAN_RAMP },
    { "plan", "ramp_tailslow", QMPMIG_PLAN_RAMP },
    { "plan", "ramp_trigger_pct", QMPMIG_PLAN_RAMP },
    { "plan", "xbzrle_cache_bytes", QMPMIG_PLAN_XBZRLE },
    { "plan", "multifd_channels", QMPMIG_PLAN_MULTIFD },
    { "plan", "compression", QMPMIG_PLAN_COMPRESSION },
    { "plan", "compression_level", QMPMIG_PLAN_COMPRESSION },
    { "plan", "downtime_limit_us", QMPMIG_PLAN_DOWNTIME },
    { "plan", "bandwidth_bytes_per_s", QMPMIG_PLAN_BANDWIDTH },
    { "advice", "throttle_pct", QMPMIG_SET_THROTTLE },
    { "advice", "downtime_limit_us", QMPMIG_SET_DOWNTIME },
    { "advice", "bandwidth_bytes_per_s", QMPMIG_SET_BANDWIDTH },
    { "advice", "postcopy_bandwidth_bytes_per_s", QMPMIG_SET_POSTCOPY_BANDWIDTH },
    { "advice", "switchover_bandwidth_bytes_per_s", QMPMIG_SET_SWITCHOVER_BANDWIDTH },
    { "advice", "xbzrle_cache_bytes", QMPMIG_SET_XBZRLE_CACHE },
    { "advice", "dirty_limit_bytes_per_s", QMPMIG_SET_DIRTY_LIMIT },
};

static const Setter *
find_setter (const char *type, const char *field)
{
    for (guint i = 0; i < G_N_ELEMENTS (setters); i++)
        if (!strcmp (setters[i].type, type) && !strcmp (setters[i].field, field))
            return &setters[i];
    return NULL;
}

static json_object *
write_value (const char *name, guint64 value)
{
    json_object *list = NULL;

    for (guint i = 0; i < G_N_ELEMENTS (words); i++) {
        if (strcmp (words[i].field, name) != 0)
            continue;
        if (!words[i].is_bit && words[i].value == value)
            return json_object_new_string (words[i].word);
        if (words[i].is_bit && !list)
            list = json_object_new_array ();
        if (words[i].is_bit && (value & words[i].value))
            json_object_array_add (list, json_object_new_string (words[i].word));
    }
    return list ? list : json_object_new_uint64 (value);
}

json_object *
words_write (const char *type, const Field *fields, gconstpointer data)
{
    json_object *object = json_object_new_object ();
    json_object *set = json_object_new_object ();
    guint64 bits = *(const guint64 *)((const char *)data + sizeof (guint64));

    json_object_object_add (object, "type", json_object_new_string (type));
    json_object_object_add (object, "set", set);
    for (const Field *field = fields + 2; field->name; field++) {
        const char *at = (const char *)data + field->offset;
        const Setter *setter = find_setter (type, field->name);
        guint64 value;

        if (field->size > 8) {
            json_object_object_add (object, field->name, json_object_new_string (at));
            continue;
        }
        memcpy (&value, at, sizeof value);
        if (setter ? (bits & setter->bit) : value != QMPMIG_UNKNOWN)
            json_object_object_add (setter ? set : object, field->name,
                                    write_value (field->name, value));
    }
    return object;
}
