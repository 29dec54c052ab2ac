/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "schedule-json.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_MS 2000000 /* QEMU takes no longer downtime limit */

static int
fail (char why[128], const char *text)
{
    snprintf (why, 128, "the schedule's JSON: %s", text);
    return -1;
}

static json_object *
member (json_object *object, const char *name, json_type type)
{
    json_object *value = NULL;

    if (!json_object_is_type (object, json_type_object) ||
        !json_object_object_get_ex (object, name, &value) || !json_object_is_type (value, type))
        return NULL;
    return value;
}

/* Milliseconds, as text: "params": ["150"]. */
static int
read_downtime (struct schedule_step *step, json_object *params, char why[128])
{
    json_object *first =
        json_object_array_length (params) == 1 ? json_object_array_get_idx (params, 0) : NULL;
    const char *text = first ? json_object_get_string (first) : "";
    char rest;
    unsigned ms;

    if (sscanf (text, "%7u%c", &ms, &rest) != 1 || text[0] < '0' || text[0] > '9' || ms < 1 ||
        ms > LONGEST_MS)
        return fail (why, "setDowntime has no number of milliseconds up to 2000000 in its params");
    step->kind = SCHEDULE_DOWNTIME;
    step->downtime_us = (uint64_t)ms * 1000;
    return 0;
}

static int
read_action (struct schedule_step *step, json_object *action, char why[128])
{
    json_object *name = member (action, "name", json_type_string);
    json_object *params = member (action, "params", json_type_array);
    const char *word = name ? json_object_get_string (name) : "";

    if (!strcmp (word, "setDowntime"))
        return params ? read_downtime (step, params, why) : fail (why, "setDowntime has no params");
    step->kind = !strcmp (word, "postcopy") ? SCHEDULE_POSTCOPY : SCHEDULE_ABORT;
    if (step->kind == SCHEDULE_POSTCOPY || !strcmp (word, "abort"))
        return 0;
    return fail (why, "an action's name is setDowntime, postcopy or abort");
}

static int
read_init (struct schedule *self, json_object *init, char why[128])
{
    for (size_t i = 0; i < json_object_array_length (init); i++) {
        struct schedule_step step;

        if (read_action (&step, json_object_array_get_idx (init, i), why))
            return -1;
        if (step.kind != SCHEDULE_DOWNTIME)
            return fail (why, "init has another action than setDowntime");
        self->init_downtime_us = step.downtime_us;
    }
    return 0;
}

static int
read_stalling (struct schedule *self, json_object *stalling, char why[128])
{
    size_t count = json_object_array_length (stalling);

    if (count > SCHEDULE_STEPS)
        return fail (why, "stalling has more than 64 entries");
    for (size_t i = 0; i < count; i++) {
        json_object *entry = json_object_array_get_idx (stalling, i);
        json_object *limit = member (entry, "limit", json_type_int);
        json_object *action = member (entry, "action", json_type_object);

        if (!limit || !action)
            return fail (why, "an entry of stalling has no limit or no action");
        if (read_action (&self->steps[i], action, why))
            return -1;
        self->steps[i].limit = json_object_get_int64 (limit);
    }
    self->count = count;
    return 0;
}

static int
read_schedule (struct schedule *self, json_object *whole, char why[128])
{
    json_object *init = member (whole, "init", json_type_array);
    json_object *stalling = member (whole, "stalling", json_type_array);

    if (!stalling)
        return fail (why, "it is no object with a list called stalling");
    *self = (struct schedule){ .count = 0 };
    return init && read_init (self, init, why) ? -1 : read_stalling (self, stalling, why);
}

int
schedule_parse (struct schedule *self, const char *text, char why[128])
{
    enum json_tokener_error error;
    json_object *whole = json_tokener_parse_verbose (text, &error);
    int result =
        whole ? read_schedule (self, whole, why) : fail (why, json_tokener_error_desc (error));

    json_object_put (whole);
    return result;
}

void
schedule_drop_postcopy (struct schedule *self)
{
    size_t kept = 0;

    for (size_t i = 0; i < self->count; i++)
        if (self->steps[i].kind != SCHEDULE_POSTCOPY)
            self->steps[kept++] = self->steps[i];
    self->count = kept;
}

int
schedule_has_postcopy (const struct schedule *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->steps[i].kind == SCHEDULE_POSTCOPY)
            return 1;
    return 0;
}
