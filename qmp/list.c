/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp/list.h"

#include "qmp/error.h"
#include "qmp/text.h"

#include <string.h>

struct QmpList {
    char *label; /* or NULL */
    char *text;
    gsize length;
    gsize at; /* what comes next: an element, or the bracket */
    gboolean in_between;
    struct json_tokener *tokener;
};

QmpList *
qmp_list_new (char *text, gsize length)
{
    QmpList *self = g_new0 (QmpList, 1);

    self->text = text;
    self->length = length;
    self->tokener = json_tokener_new_ex (QMP_MESSAGE_MAX_DEPTH + 1);
    json_tokener_set_flags (self->tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    qmp_list_rewind (self);
    return self;
}

void
qmp_list_free (QmpList *self)
{
    if (!self)
        return;
    json_tokener_free (self->tokener);
    g_free (self->label);
    g_free (self->text);
    g_free (self);
}

void
qmp_list_set_label (QmpList *self, char *label)
{
    g_free (self->label);
    self->label = label;
}

void
qmp_list_rewind (QmpList *self)
{
    self->at = 1;
    self->in_between = FALSE;
}

/* The next byte that is no space; NUL behind the end. */
static char
peek (QmpList *self)
{
    while (self->at < self->length && strchr (" \t\r\n", self->text[self->at]))
        self->at++;
    return self->at < self->length ? self->text[self->at] : '\0';
}

static gboolean
fail (QmpList *self, GError **error)
{
    g_autofree char *excerpt = qmp_text_excerpt (self->text + self->at, self->length - self->at);

    return qmp_fail (error, QMP_ERROR_PROTOCOL, "%s%sit sent broken JSON in a list at \"%s\"",
                     self->label ? self->label : "", self->label ? ": " : "", excerpt);
}

static gboolean
parse (QmpList *self, json_object **ret_element, GError **error)
{
    json_object *element;

    json_tokener_reset (self->tokener);
    element = json_tokener_parse_ex (self->tokener, self->text + self->at,
                                     (int)(self->length - self->at));
    if (json_tokener_get_error (self->tokener) != json_tokener_success)
        return fail (self, error);
    self->at += json_tokener_get_parse_end (self->tokener);
    self->in_between = TRUE;
    *ret_element = element;
    return TRUE;
}

gboolean
qmp_list_next (QmpList *self, gboolean *ret_more, json_object **ret_element, GError **error)
{
    char next = peek (self);

    *ret_more = FALSE;
    *ret_element = NULL;
    if (next == ']' && self->at == self->length - 1)
        return TRUE;
    if (self->in_between) {
        if (next != ',')
            return fail (self, error);
        self->at++;
        next = peek (self);
    }
    /* json-c would take a comma too many for an end. */
    if (next == ']' || next == ',' || next == '\0')
        return fail (self, error);
    *ret_more = parse (self, ret_element, error);
    return *ret_more;
}

json_object *
qmp_list_to_json (QmpList *self, GError **error)
{
    g_autoptr (json_object) list = json_object_new_array ();
    json_object *element;
    gboolean more;

    qmp_list_rewind (self);
    while (qmp_list_next (self, &more, &element, error)) {
        if (!more)
            return g_steal_pointer (&list);
        json_object_array_add (list, element);
    }
    return NULL;
}
