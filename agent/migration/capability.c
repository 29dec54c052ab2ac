/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/migration/capability.h"

const Capability capability_table[] = {
    { "auto-converge", SIDES_SOURCE, "slow the guest's CPUs so that pre-copy can end", "1.6" },
    { "background-snapshot", SIDES_SOURCE, "snapshot of a running guest, not a move", "6.0" },
    { "block", SIDES_SOURCE, "disk copy inside the stream (removed in 9.1)", "2.10" },
    { "compress", SIDES_SHARED, "old threaded compression (removed in 9.1)", "2.4" },
    { "dirty-bitmaps", SIDES_SHARED, "take the disks' dirty bitmaps along", "2.12" },
    { "dirty-limit", SIDES_SOURCE, "slow only vCPUs that write (KVM with a dirty ring)", "8.1" },
    { "events", SIDES_EACH, "MIGRATION events", "2.4" },
    { "late-block-activate", SIDES_DESTINATION, "open the disks only when told to run", "3.0" },
    { "mapped-ram", SIDES_SHARED, "fixed places for pages in a file", "9.0" },
    { "multifd", SIDES_SHARED, "several connections in parallel", "4.0" },
    { "pause-before-switchover", SIDES_SOURCE, "wait for us before the handover", "2.11" },
    { "postcopy-blocktime", SIDES_DESTINATION, "measure waits for pages", "3.0" },
    { "postcopy-preempt", SIDES_SHARED, "own channel for pages that the guest waits for", "7.1" },
    { "postcopy-ram", SIDES_SHARED, "run at the destination before all memory is there", "2.6" },
    { "rdma-pin-all", SIDES_SHARED, "pin all memory for RDMA", "2.0" },
    { "release-ram", SIDES_SOURCE, "free sent pages in postcopy; makes it unrecoverable", "2.9" },
    { "return-path", SIDES_EACH, "the destination confirms what it loaded", "2.10" },
    { "switchover-ack", SIDES_SHARED, "devices of the destination say when they are ready", "8.1" },
    { "validate-uuid", SIDES_SOURCE, "the destination checks the guest's UUID", "4.2" },
    { "x-colo", SIDES_SHARED, "continuous replication, not a move", "2.8" },
    { "x-ignore-shared", SIDES_SHARED, "leave shared memory out of the stream", "4.0" },
    { "xbzrle", SIDES_EACH, "send changes of pages instead of pages", "1.2" },
    { "zero-blocks", SIDES_SOURCE, "part of the removed block copy", "1.6" },
    { "zero-copy-send", SIDES_SOURCE, "send without copying (multifd)", "7.1" },
    { NULL, 0, NULL, NULL },
};

static const struct {
    const char *a, *b, *why;
} conflicts[] = {
    { "multifd", "xbzrle", "multifd's channels do not send deltas; 7.2 ignores xbzrle silently" },
    { "multifd", "compress", "multifd has a compression of its own" },
    { "xbzrle", "zero-copy-send", "deltas are made in a copy" },
    { "xbzrle", "mapped-ram", "a page has one fixed place in the file" },
    { "auto-converge", "dirty-limit", "two ways of slowing the same guest" },
    { "postcopy-ram", "x-ignore-shared", "pages that were left out cannot be asked for" },
    { "postcopy-ram", "mapped-ram", "a file cannot answer" },
    { "postcopy-ram", "release-ram", "a broken postcopy could not be recovered any more" },
    { "postcopy-ram", "compress", "QEMU refuses it" },
    { "return-path", "background-snapshot", "a snapshot has nobody who answers" },
    { "mapped-ram", "compress", "a page has one fixed place in the file" },
};

const Capability *
capability_find (const char *name)
{
    for (const Capability *c = capability_table; c->name; c++)
        if (g_str_equal (c->name, name))
            return c;
    return NULL;
}

gboolean
capability_is_shared (const Capability *self)
{
    return self->sides == SIDES_SHARED;
}

const char *
capability_conflict (const char *a, const char *b)
{
    for (guint i = 0; i < G_N_ELEMENTS (conflicts); i++)
        if ((g_str_equal (conflicts[i].a, a) && g_str_equal (conflicts[i].b, b)) ||
            (g_str_equal (conflicts[i].a, b) && g_str_equal (conflicts[i].b, a)))
            return conflicts[i].why;
    return NULL;
}
