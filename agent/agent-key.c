/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/agent-key.h"

#include <string.h>

#include "agent/migration/abort-clock.h"
#include "agent/units.h"

static gboolean
check_mode (const char *text, GError **error)
{
    if (!strcmp (text, "observe") || !strcmp (text, "steer"))
        return TRUE;
    g_set_error (error, UNITS_ERROR, 0, "mode: '%s' is neither observe nor steer", text);
    return FALSE;
}

static gboolean
check_abort (const char *text, GError **error)
{
    AbortClock clock;

    return abort_clock_parse (text, &clock, error);
}

static gboolean
check_rate (const char *text, GError **error)
{
    guint64 rate;

    return units_parse_rate ("link-bandwidth", text, &rate, error);
}

static gboolean
check_path (const char *text, GError **error)
{
    if (g_path_is_absolute (text) || !strcmp (text, "none"))
        return TRUE;
    g_set_error (error, UNITS_ERROR, 0, "'%s' is not an absolute path", text);
    return FALSE;
}

static gboolean
check_any (const char *text, GError **error)
{
    return TRUE;
}

/* Those for one VM first. */
static const struct {
    const char *name;
    gboolean in_vm;
    gboolean (*check) (const char *text, GError **error);
} keys[] = {
    { "mode", TRUE, check_mode },
    { "abort", TRUE, check_abort },
    { "libvirt-uri", FALSE, check_any },
    { "auth-file", FALSE, check_path },
    { "link-bandwidth", FALSE, check_rate },
    { "metrics-file", FALSE, check_path },
};

const char *
agent_key_name (guint index, gboolean in_vm)
{
    return index < G_N_ELEMENTS (keys) && (!in_vm || keys[index].in_vm) ? keys[index].name : NULL;
}

gboolean
agent_key_is_known (const char *key, gboolean in_vm)
{
    for (guint i = 0; agent_key_name (i, in_vm); i++)
        if (!strcmp (keys[i].name, key))
            return TRUE;
    return FALSE;
}

gboolean
agent_key_check (const char *key, const char *text, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
        if (!strcmp (keys[i].name, key))
            return keys[i].check (text, error);
    return FALSE;
}
