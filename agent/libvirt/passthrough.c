/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/libvirt/passthrough.h"

#include <libvirt/libvirt-qemu.h>
#include <stdlib.h>
#include <string.h>

#include "agent/libvirt/connection.h"
#include "agent/libvirt/domain.h"
#include "agent/libvirt/error.h"

#define BEHIND "libvirt would not know of it, and may bring the guest to ruin: "

const char *
passthrough_refusal (const char *command)
{
    static const struct {
        const char *command, *why;
    } refused[] = {
        { "migrate", BEHIND "`qmpmig --libvirt DOMAIN migrate URI` has libvirt migrate it" },
        { "migrate-incoming", BEHIND "libvirt itself starts the receiving end" },
        { "migrate-continue", BEHIND "libvirt itself goes on when its disks are ready" },
        { "migrate-recover", BEHIND "`virsh migrate --postcopy-resume` recovers a postcopy" },
        { "migrate-pause", BEHIND "`virsh domjobabort --postcopy` breaks a postcopy off" },
        { "migrate-set-capabilities", BEHIND "libvirt sets all of them when it migrates" },
        { "cont", BEHIND "`virsh resume` continues a guest of libvirt's" },
        { "stop", BEHIND "`virsh suspend` pauses a guest of libvirt's" },
        { "quit", BEHIND "`virsh destroy` ends a guest of libvirt's" },
        { "system_reset", BEHIND "`virsh reset` resets a guest of libvirt's" },
        { "system_powerdown", BEHIND "`virsh shutdown` shuts a guest of libvirt's down" },
    };

    for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
        if (strcmp (refused[i].command, command) == 0)
            return refused[i].why;
    return NULL;
}

gboolean
passthrough_is_question (const char *command)
{
    return g_str_has_prefix (command, "query-") || g_str_has_prefix (command, "qom-get") ||
           g_str_has_prefix (command, "qom-list");
}

/* -- On a worker -- */

typedef struct {
    char *uuid;
    char *command;
    char *text;
} Errand;

static void
errand_free (gpointer data)
{
    Errand *self = data;

    g_free (self->uuid);
    g_free (self->command);
    g_free (self->text);
    g_free (self);
}

static void
free_answer (gpointer data)
{
    json_object_put (data);
}

/* Its own calls, which keep libvirt's view of the job right. */
static json_object *
by_libvirt (virDomainPtr domain, const char *command, gboolean *ret_is_its_own, GError **error)
{
    gboolean is_abort = strcmp (command, "migrate_cancel") == 0;
    json_object *answer;
    int failed;

    *ret_is_its_own = is_abort || strcmp (command, "migrate-start-postcopy") == 0;
    if (!*ret_is_its_own)
        return NULL;
    failed = is_abort ? virDomainAbortJob (domain) : virDomainMigrateStartPostCopy (domain, 0);
    if (failed) {
        error_take (error, is_abort ? "abort the job" : "switch to postcopy");
        return NULL;
    }
    answer = json_object_new_object ();
    json_object_object_add (answer, "return", json_object_new_object ());
    return answer;
}

static json_object *
by_qemu (virDomainPtr domain, const Errand *errand, GError **error)
{
    char *text = NULL;
    json_object *answer = NULL;

    if (virDomainQemuMonitorCommand (domain, errand->text, &text, 0) < 0)
        error_take (error, errand->command);
    else if (!(answer = json_tokener_parse (text ? text : "")))
        error_set (error, LIBVIRT_ERROR_REFUSED, "%s: libvirt's answer is no JSON",
                   errand->command);
    free (text);
    return answer;
}

static gpointer
run_errand (virConnectPtr connection, gpointer data, GError **error)
{
    const Errand *errand = data;
    virDomainPtr domain = domain_look_up (connection, errand->uuid, error);
    json_object *answer;
    gboolean is_its_own;

    if (!domain)
        return NULL;
    answer = by_libvirt (domain, errand->command, &is_its_own, error);
    if (!is_its_own)
        answer = by_qemu (domain, errand, error);
    if (!answer && error && (*error)->code == LIBVIRT_ERROR_REFUSED &&
        virDomainIsActive (domain) == 0)
        (*error)->code = LIBVIRT_ERROR_NO_DOMAIN;
    virDomainFree (domain);
    return answer;
}

json_object *
passthrough_run (LibvirtConnection *connection, const char *uuid, json_object *command,
                 GError **error)
{
    Errand *errand = g_new0 (Errand, 1);
    json_object *name = NULL;
    ConnectionFlags flags;

    json_object_object_get_ex (command, "execute", &name);
    errand->uuid = g_strdup (uuid);
    errand->command = g_strdup (json_object_get_string (name));
    errand->text = g_strdup (json_object_to_json_string_ext (command, JSON_C_TO_STRING_PLAIN));
    flags = passthrough_is_question (errand->command) ||
                    strcmp (errand->command, "migrate-set-parameters") == 0
                ? CONNECTION_RETRY
                : CONNECTION_ONCE;
    return connection_call (connection, "answer", flags, run_errand, errand, errand_free,
                            free_answer, error);
}
