/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/hook/vdsm.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/hook/domain.h"
#include "agent/hook/errand.h"
#include "agent/hook/service.h"

/* VDSM stops at this one: the move is refused. */
#define EXIT_VETO 2

/* A service that answers does so sooner. The record has the outcome in any case. */
#define OUTCOME_MS 8

/* Who asks for a veto waits for the verdict. */
#define VETO_MS 3000

/* --- what VDSM gives ------------------------------------------------------------------------- */

/* VDSM puts each custom property of the VM into the environment. */
static const char *
property (const char *name)
{
    const char *value = g_getenv (name);

    return value && *value ? value : NULL;
}

static gboolean
is_asked_for (const char *name, const char *yes)
{
    return g_strcmp0 (property (name), yes) == 0;
}

static Domain *
load_domain (GError **error)
{
    const char *path = g_getenv ("_hook_domxml");
    g_autofree char *xml = NULL;
    gsize length;

    if (!path) {
        g_set_error (error, DOMAIN_ERROR, 0, "VDSM gave no domain XML: _hook_domxml is not set");
        return NULL;
    }
    if (!g_file_get_contents (path, &xml, &length, error))
        return NULL;
    return domain_parse (xml, length, error);
}

static ServiceGuest
guest_of (const Domain *domain, const char *monitor)
{
    return (ServiceGuest){
        .name = domain_name (domain),
        .uuid = domain_uuid (domain),
        .monitor = monitor,
        .policy = property ("qmpmig_policy"),
        .wants_veto = is_asked_for ("qmpmig_veto", "hopeless"),
    };
}

/* --- the points ------------------------------------------------------------------------------ */

/* Half an XML would be worse than none. */
static int
before_vm_start (Domain *domain, GError **error)
{
    g_autofree char *xml = NULL;

    if (!is_asked_for ("qmpmig_monitor", "on"))
        return 0;
    domain_add_monitor (domain);
    xml = domain_to_xml (domain);
    g_file_set_contents_full (g_getenv ("_hook_domxml"), xml, -1, G_FILE_SET_CONTENTS_CONSISTENT,
                              0600, error);
    return 0;
}

static int
before_vm_migrate_source (Domain *domain, GError **error)
{
    g_autofree char *monitor = domain_has_monitor (domain) ? domain_monitor_path (domain) : NULL;
    ServiceGuest guest = guest_of (domain, monitor);
    g_autofree char *answer =
        errand_send (service_hand_over, &guest, guest.wants_veto ? VETO_MS : 0);

    if (!answer || !g_str_has_prefix (answer, SERVICE_VETO))
        return 0;
    fprintf (stderr, "qmpmig: %s: %s\n", guest.name, answer + strlen (SERVICE_VETO));
    return EXIT_VETO;
}

static int
after_vm_migrate_source (Domain *domain, GError **error)
{
    ServiceGuest guest = guest_of (domain, NULL);
    g_autofree char *outcome = errand_send (service_outcome, &guest, OUTCOME_MS);

    if (outcome)
        fprintf (stderr, "qmpmig: %s\n", outcome);
    return 0;
}

/* The service here is to know the guest before it moves on. */
static int
before_vm_migrate_destination (Domain *domain, GError **error)
{
    errand_send (service_wake, NULL, 0);
    return 0;
}

static int
after_vm_migrate_destination (Domain *domain, GError **error)
{
    g_autofree char *monitor = domain_monitor_path (domain);

    if (domain_has_monitor (domain) && access (monitor, F_OK) < 0)
        fprintf (stderr, "qmpmig: %s: its second monitor did not come along: %s is not there\n",
                 domain_name (domain), monitor);
    return 0;
}

static const struct {
    const char *name;
    int (*run) (Domain *domain, GError **error);
} points[] = {
    { "before_vm_start", before_vm_start },
    { "before_vm_migrate_source", before_vm_migrate_source },
    { "after_vm_migrate_source", after_vm_migrate_source },
    { "before_vm_migrate_destination", before_vm_migrate_destination },
    { "after_vm_migrate_destination", after_vm_migrate_destination },
};

int
vdsm_run (const char *point)
{
    g_autoptr (GError) error = NULL;
    g_autoptr (Domain) domain = load_domain (&error);
    int code = 0;
    guint i;

    for (i = 0; i < G_N_ELEMENTS (points) && strcmp (points[i].name, point) != 0; i++)
        continue;
    if (i == G_N_ELEMENTS (points))
        fprintf (stderr, "qmpmig: VDSM's point %s is not one that qmpmig has to do with\n", point);
    else if (domain)
        code = points[i].run (domain, &error);
    if (error)
        fprintf (stderr, "qmpmig: %s: %s\n", point, error->message);
    return code;
}
