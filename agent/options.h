/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the operator asked for: the command line over the environment over the configuration files
 * over what is built in. Every value is already in base units. */
#pragma once

#include "agent/named-value.h"
#include "agent/units.h"
#include "plugins/qmpmig-plugin.h"
#include "qmp/address.h"

/* An option as help, the parser of the line, the configuration files and the shell's completion see
 * it. */
typedef struct {
    const char *name;     /* "max-downtime" */
    char letter;          /* 0: none */
    const char *argument; /* NULL: a flag; "TIME": required; "[N]": optional, after "=". Words with
                             bars between them are all that is allowed: "wait|cancel" */
    const char *help;
} OptionSpec;

typedef enum { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER } ColorMode;

typedef struct {
    QmpAddress *socket; /* or --libvirt's; NULL: none given */
    gboolean json, quiet, verbose;
    ColorMode color;
    gint64 reply_timeout_us;
    char *config; /* the file to read instead of those searched for; NULL: search */
} GlobalOptions;

typedef enum { POSTCOPY_AUTO, POSTCOPY_FALLBACK, POSTCOPY_NOW, POSTCOPY_NEVER } PostcopyMode;
typedef enum { ON_SUCCESS_AUTO, ON_SUCCESS_QUIT, ON_SUCCESS_KEEP } OnSuccess;
typedef enum { THROTTLE_STEER, THROTTLE_RAMP, THROTTLE_OFF } ThrottleMode;
typedef enum { STORAGE_SHARED, STORAGE_ALL, STORAGE_TOP } StorageMode;
typedef enum {
    TLS_NONE,
    TLS_X509,
    TLS_PSK,
    TLS_LIBVIRT, /* with the certificates of libvirt's */
} TlsKind;

typedef struct {
    TlsKind kind;
    char *dir;      /* absolute */
    char *hostname; /* or NULL */
    char *authz;    /* or NULL; x509 only: id of an authz object, or a distinguished name pattern */
} TlsOptions;

typedef struct {
    char *uri;
    char *policy;             /* name, or an absolute path */
    GPtrArray *policy_keys;   /* NamedValue; for the policy itself */
    struct qmpmig_plan armed; /* what the policy wants armed where the operator has no choice */
    QmpAddress *dest_socket;  /* NULL: the destination is not observed */
    guint64 max_downtime_us;
    guint64 max_stall_us; /* 0: as max_downtime_us */
    guint64 deadline_us;  /* 0: none */
    guint max_throttle_pct;
    guint64 bandwidth_bytes_per_s; /* UNITS_UNLIMITED, or the limit */
    PostcopyMode postcopy;
    enum qmpmig_if_stuck if_stuck;
    OnSuccess on_success;
    gboolean offline;
    guint multifd_channels; /* 0: not asked for */
    char *compress_method;  /* zlib, zstd, ...; NULL: none */
    int compress_level;     /* -1: QEMU's default */
    gboolean xbzrle;
    guint64 xbzrle_cache_bytes; /* 0: QEMU's default */
    gboolean zero_copy;
    ThrottleMode throttle;
    GPtrArray *capabilities; /* NamedValue: --cap NAME=on|off, by QEMU's name */
    GPtrArray *parameters;   /* NamedValue: --param KEY=VALUE */
    StorageMode storage;
    TlsOptions tls;
    gboolean allow_exec;
    GStrv unsafe; /* items named; each command checks that it knows them; NULL: none */
    gboolean dry_run;
    gboolean predict;
    gboolean detach;
    gboolean no_trace;
    char *trace_file; /* NULL: in the folder of the traces */
    /* What was asked for, by name, as it was written: all that is not built in. Lists have their
     * last text only. */
    GHashTable *given;
} MigrateOptions;

void global_options_init (GlobalOptions *self); /* what is built in */
void global_options_clear (GlobalOptions *self);
/* As migrate_options_set(), for the options that every command takes. */
gboolean global_options_set (GlobalOptions *self, const char *key, const char *value,
                             GError **error);
/* The options by number, in the order of the manual; NULL behind the last. */
const OptionSpec *global_options_spec (guint index);
const OptionSpec *migrate_options_spec (guint index);

MigrateOptions *migrate_options_new (void); /* what is built in */
void migrate_options_free (MigrateOptions *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MigrateOptions, migrate_options_free)

/* One long option of `migrate` (KEY without dashes) with its text; the single parser behind the
 * command line and the configuration files. UNITS_ERROR, naming the option. */
gboolean migrate_options_set (MigrateOptions *self, const char *key, const char *value,
                              GError **error);
/* Is KEY an option that may stand in [defaults] and [vm ...]? */
gboolean migrate_options_is_key (const char *key);
/* May it be given several times, each adding to what was there (cap, param)? */
gboolean migrate_options_is_list (const char *key);
/* Its value where nobody set it: a text that migrate_options_set() takes, or words in brackets. */
const char *migrate_options_builtin (const char *key);
