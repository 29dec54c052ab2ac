/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A row of the tables of options (option-table.c), and the setters of their values. */
#pragma once

#include "agent/options.h"

typedef enum {
    KEY_LIST = 1 << 0,     /* each use adds */
    KEY_PER_CALL = 1 << 1, /* for this one migration: has no place in a configuration file */
} KeyFlags;

typedef struct OptionKey OptionKey;

/* SELF is the struct that OFFSET goes into; NAME is "--max-downtime". */
typedef gboolean (*OptionSetter) (const OptionKey *key, gpointer self, const char *name,
                                  const char *value, GError **error);

struct OptionKey {
    OptionSpec spec;
    const char *builtin;
    OptionSetter set;
    gsize offset;
    guint64 min, max; /* of set_time; set_choice: MIN is the first word's number in its enum */
    KeyFlags flags;
};

extern const OptionKey option_global_keys[], option_migrate_keys[];
extern const guint option_global_count, option_migrate_count;

gboolean option_set_flag (const OptionKey *key, gpointer self, const char *name, const char *value,
                          GError **error);
gboolean option_set_time (const OptionKey *key, gpointer self, const char *name, const char *value,
                          GError **error);
gboolean option_set_percent (const OptionKey *key, gpointer self, const char *name,
                             const char *value, GError **error);
gboolean option_set_choice (const OptionKey *key, gpointer self, const char *name,
                            const char *value, GError **error);
gboolean option_set_address (const OptionKey *key, gpointer self, const char *name,
                             const char *value, GError **error);
gboolean option_set_file (const OptionKey *key, gpointer self, const char *name, const char *value,
                          GError **error);

/* option-value.c: of one option each. */
gboolean option_set_bandwidth (const OptionKey *key, gpointer self, const char *name,
                               const char *value, GError **error);
gboolean option_set_multifd (const OptionKey *key, gpointer self, const char *name,
                             const char *value, GError **error);
gboolean option_set_compress (const OptionKey *key, gpointer self, const char *name,
                              const char *value, GError **error);
gboolean option_set_xbzrle (const OptionKey *key, gpointer self, const char *name,
                            const char *value, GError **error);
gboolean option_set_capability (const OptionKey *key, gpointer self, const char *name,
                                const char *value, GError **error);
gboolean option_set_parameter (const OptionKey *key, gpointer self, const char *name,
                               const char *value, GError **error);
gboolean option_set_unsafe (const OptionKey *key, gpointer self, const char *name,
                            const char *value, GError **error);
gboolean option_set_trace (const OptionKey *key, gpointer self, const char *name, const char *value,
                           GError **error);
gboolean option_set_libvirt (const OptionKey *key, gpointer self, const char *name,
                             const char *value, GError **error);
gboolean option_set_socket (const OptionKey *key, gpointer self, const char *name,
                            const char *value, GError **error);

gboolean option_set_tls (const OptionKey *key, gpointer self, const char *name, const char *value,
                         GError **error);

gboolean option_set_policy (const OptionKey *key, gpointer self, const char *name,
                            const char *value, GError **error);
/* The limits that a --policy may set, NULL behind the last. */
extern const char *const option_policy_limits[];
/* What the text of a --policy sets LIMIT to, or NULL. Owned by the caller. */
char *option_policy_limit (const char *value, const char *limit);

void tls_options_clear (TlsOptions *self);
