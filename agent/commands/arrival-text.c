/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/arrival-text.h"

#include <string.h>

#include "agent/display/text.h"
#include "agent/migration/status.h"
#include "qmp/value.h"

/* HERE stands for this end's address. */
#define AT_SOURCE "`qmpmig --socket SOURCE status`, with the source's monitor"

static const struct {
    const char *word;
    const char *is;          /* what it is at */
    const char *live;        /* the same, where the guest runs here; NULL: that makes no odds */
    const char *key, *value; /* what is to be known then */
    const char *advice;      /* where nobody of ours looks after it */
} arrivals[] = {
    { "waiting", "waits for a guest, but does not listen yet", NULL, NULL, NULL,
      "`qmpmig --socket SOURCE migrate URI --dest-socket HERE` moves one here; `qmpmig --socket "
      "HERE incoming URI` has this end listen, where the source cannot be reached from here" },
    { "listening", "listens for a guest, and none has come yet", NULL, NULL, NULL,
      "`qmpmig --socket HERE recover` goes on with what a killed qmpmig began; to start the move "
      "is the source's, at its own monitor" },
    { "receiving", "a guest arrives; until all of it is here it is the source's", NULL, NULL, NULL,
      "how far it is only the source knows: " AT_SOURCE },
    { "postcopy", "the guest is here, and the rest of its memory arrives",
      "the guest runs here already, and the rest of its memory arrives", "careful",
      "postcopy: until the end the guest needs both QEMUs; one that dies takes it with it",
      "how far it is only the source knows: " AT_SOURCE },
    { "postcopy-paused", "the guest stands still: the link broke in postcopy", NULL, "careful",
      "half of the guest is here, half at its source; nothing is lost as long as both QEMUs live: "
      "quit neither",
      "`qmpmig --socket SOURCE recover --dest-socket HERE` goes on over a new connection" },
    { "postcopy-recover", "the guest stands still: a broken postcopy is being taken up again", NULL,
      "careful", "half of the guest is here, half at its source: quit neither QEMU", NULL },
    { "arrived", "the guest has arrived whole, and stands still here",
      "the guest has arrived, and runs here", NULL, NULL, NULL },
    { "failed", "the guest did not arrive, and none was started here", NULL, NULL, NULL,
      "the guest is its source's: " AT_SOURCE
      "; this QEMU has to be started anew before another can come" },
};

static int
find (json_object *sample)
{
    const char *word = qmp_peek_string (sample, "arrival", "");

    for (guint i = 0; i < G_N_ELEMENTS (arrivals); i++)
        if (!strcmp (arrivals[i].word, word))
            return (int)i;
    return -1;
}

gboolean
arrival_is_told (json_object *sample)
{
    return find (sample) >= 0;
}

/* Its own run state: a steering qmpmig's samples have that of the source. */
static char *
own_run_state (const Style *style, json_object *sample)
{
    return qmp_peek_bool (sample, "seen_from_source", FALSE)
               ? NULL
               : text_peek (style, sample, "run_state");
}

void
arrival_append_head (const Style *style, GString *out, const char *name, json_object *sample)
{
    g_autofree char *state = own_run_state (style, sample);
    int i = find (sample);
    gboolean runs = arrivals[i].live && state && run_state_is_live (state);

    style_ink (style, out, INK_BOLD, name);
    g_string_append_printf (out, ": %s%s%s\n", state ? state : "", state ? "; " : "",
                            runs ? arrivals[i].live : arrivals[i].is);
}

static void
append_advice (const Style *style, GString *out, const char *advice, const char *address)
{
    g_autofree char *here = g_shell_quote (address);
    g_auto (GStrv) parts = g_strsplit (advice, "HERE", -1);
    g_autofree char *text = g_strjoinv (here, parts);

    text_row (style, out, "next", text);
}

/* It may have been paused before it left; and before postcopy its source may have taken it back. */
static void
append_stands_still (const Style *style, GString *out, const char *word, const char *address)
{
    if (!strcmp (word, "postcopy"))
        append_advice (style, out,
                       "it stands still: its source has let go of it, and unless it was paused "
                       "there `qmpmig --socket HERE qmp cont` has it run",
                       address);
    if (!strcmp (word, "arrived"))
        append_advice (style, out,
                       "if it was paused at its source, all is well, and `qmpmig --socket HERE "
                       "qmp cont` has it run; else `qmpmig --socket SOURCE recover --dest-socket "
                       "HERE` decides. Never `cont` here while it runs at its source",
                       address);
}

void
arrival_append_rows (const Style *style, GString *out, json_object *header, json_object *sample,
                     gboolean is_alone)
{
    g_auto (GStrv) where = text_peek_list (style, sample, "listens_at");
    g_autofree char *places = g_strjoinv (", ", where);
    g_autofree char *state = own_run_state (style, sample);
    g_autofree char *address = text_peek (style, header, "ends.destination.address");
    const char *here = address ? address : "DESTINATION";
    int i = find (sample);

    if (*places)
        text_row (style, out, "listens at", places);
    if (arrivals[i].key)
        text_row (style, out, arrivals[i].key, arrivals[i].value);
    if (is_alone && arrivals[i].advice)
        append_advice (style, out, arrivals[i].advice, here);
    if (is_alone && state && !run_state_is_live (state) && !run_state_is_ended (state))
        append_stands_still (style, out, arrivals[i].word, here);
}
