/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/service/shares.h"

#include "agent/service/entry.h"
#include "agent/service/link.h"

static guint64
link_bandwidth (const Config *config)
{
    const char *text = config_agent_value (config, "link-bandwidth");
    guint64 rate = 0;

    if (text && units_parse_rate ("link-bandwidth", text, &rate, NULL) && rate != UNITS_UNLIMITED)
        return rate;
    return 0;
}

static void
set_shares (GPtrArray *senders, const guint64 *shares, guint64 link)
{
    for (guint i = 0; i < senders->len; i++) {
        LinkShare share = { .others = senders->len - 1,
                            .bandwidth_bytes_per_s = MAX (shares[i], 1),
                            .share_pct = (guint)(shares[i] * 100 / link) };

        job_set_share (entry_job (g_ptr_array_index (senders, i)), &share);
    }
}

void
shares_divide (GPtrArray *entries, const Config *config)
{
    guint64 link = link_bandwidth (config);
    g_autofree guint64 *wanted = g_new0 (guint64, entries->len + 1);
    g_autofree guint64 *shares = g_new0 (guint64, entries->len + 1);
    g_autoptr (GPtrArray) senders = g_ptr_array_new ();

    for (guint i = 0; i < entries->len; i++) {
        Entry *entry = g_ptr_array_index (entries, i);

        if (entry_job (entry) && entry_wants (entry, &wanted[senders->len]))
            g_ptr_array_add (senders, entry);
        else if (entry_job (entry))
            job_set_share (entry_job (entry), &(LinkShare){ 0 });
    }
    if (link) {
        link_divide (link, wanted, senders->len, shares);
        set_shares (senders, shares, link);
        return;
    }
    for (guint i = 0; i < senders->len; i++)
        job_set_share (entry_job (g_ptr_array_index (senders, i)), &(LinkShare){ 0 });
}
