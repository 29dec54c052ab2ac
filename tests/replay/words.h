/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The structs of the plugin interface from and to JSON, by the names of the header. */
#pragma once

#include <glib.h>

#include "plugins/qmpmig-plugin.h"
#include "qmp/message.h"

typedef struct {
    const char *name;
    gsize offset, size; /* of 4 or 8 bytes, or of text */
} Field;

/* End with {0}. Those of limits stand beside the others. */
extern const Field context_fields[], facts_fields[], sample_fields[], plan_fields[],
    advice_fields[];

/* Each key of OBJECT that is a field, a number, a truth value, a word or a list of words; "curve"
 * is a list of [time_us, bytes]. FALSE with a sentence for a key or a word that is none. */
gboolean words_read (json_object *object, const Field *fields, gpointer data,
                     struct qmpmig_curve *curve, GError **error);
/* What is known in DATA, where the fields of the `set` bits are an object of their own. */
json_object *words_write (const char *type, const Field *fields, gconstpointer data);
