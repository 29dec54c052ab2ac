/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/claim.h"

#include "agent/migration/error.h"

/* What QEMU says where it was given none. */
#define NO_UUID "00000000-0000-0000-0000-000000000000"

struct Claim {
    char *uuid; /* NULL: none */
    pid_t pid;
    char *holder;
};

static GMutex lock;
static GSList *claims;

/* Both ends of a move on one host have the same uuid, but they are two processes. */
static gboolean
is_same (const Claim *a, const Claim *b)
{
    if (a->pid && b->pid)
        return a->pid == b->pid;
    return a->uuid && b->uuid && g_ascii_strcasecmp (a->uuid, b->uuid) == 0;
}

static const Claim *
find (const Claim *wanted)
{
    for (GSList *each = claims; each; each = each->next)
        if (is_same (each->data, wanted))
            return each->data;
    return NULL;
}

static void
clear (Claim *self)
{
    g_free (self->uuid);
    g_free (self->holder);
    g_free (self);
}

Claim *
claim_take (const char *uuid, pid_t pid, const char *holder, GError **error)
{
    Claim *self = g_new0 (Claim, 1);
    g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);
    const Claim *other;

    *self = (Claim){ .uuid = g_strcmp0 (uuid, NO_UUID) == 0 ? NULL : g_strdup (uuid),
                     .pid = pid,
                     .holder = g_strdup (holder) };
    other = find (self);
    if (!other) {
        claims = g_slist_prepend (claims, self);
        return self;
    }
    migrate_fail (error, EXIT_REFUSED, "%s: this service is at that guest already: %s", holder,
                  other->holder);
    clear (self);
    return NULL;
}

void
claim_free (Claim *self)
{
    if (!self)
        return;
    g_mutex_lock (&lock);
    claims = g_slist_remove (claims, self);
    g_mutex_unlock (&lock);
    clear (self);
}
