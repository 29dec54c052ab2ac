/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints where each field of the plugin interface is: "STRUCT FIELD OFFSET SIZE". What it prints
 * for a released ABI is frozen in abi-1.txt. */
#include <qmpmig-plugin.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "fields.h"

typedef struct {
    const char *owner, *name;
    size_t offset, size;
} Row;

#define FIELD(owner, name)                                                                         \
    { #owner, #name, offsetof (struct owner, name), sizeof (((struct owner *)0)->name) },
#define STRUCT(owner) { #owner, "", sizeof (struct owner), 0 },

static const Row fields[] = { ALL_FIELDS (FIELD) };
static const Row structs[] = { ALL_STRUCTS (STRUCT) };

/* Every field begins where the one before has ended, and the last one ends with the struct. */
static int
print_struct (const Row *whole, size_t *index)
{
    size_t end = 0;

    for (; *index < sizeof fields / sizeof *fields; ++*index) {
        const Row *row = &fields[*index];

        if (strcmp (row->owner, whole->owner) != 0)
            break;
        if (row->offset != end)
            return fprintf (stderr, "%s: something is before %s\n", row->owner, row->name);
        end = row->offset + row->size;
        printf ("%s %s %zu %zu\n", row->owner, row->name, row->offset, row->size);
    }
    if (end != whole->offset)
        return fprintf (stderr, "%s: something is behind the last field\n", whole->owner);
    return 0;
}

int
main (void)
{
    size_t index = 0;

    for (size_t i = 0; i < sizeof structs / sizeof *structs; i++)
        if (print_struct (&structs[i], &index))
            return 1;
    return index == sizeof fields / sizeof *fields ? 0 : 1;
}
