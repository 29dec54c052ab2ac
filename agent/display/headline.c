/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/headline.h"

#include <string.h>

#include "agent/display/heading.h"
#include "agent/display/text.h"
#include "agent/exit-code.h"
#include "qmp/value.h"

#define NO_CODE G_MAXUINT64

/* The first that fits counts; NULL and 0 fit all. VM stands for the guest's name. Without a LINE,
 * the result's own text is it. */
typedef struct {
    const char *outcome, *role, *place;
    guint64 exit_code;
    Ink ink;
    const char *head, *line;
    const char *paused; /* instead of LINE, for a guest seen paused */
} Ending;

#define PAUSED_THERE "VM is on the destination, paused as it was"
#define PAUSED_HERE  "VM is on the source, paused as it was"
#define AS_BEFORE    "VM runs on the source, as before"

static const Ending endings[] = {
    { "completed", "incoming", "destination", 0, INK_GOOD, "Done", "VM runs here",
      "VM is here, paused as it was" },
    { "completed", NULL, "destination", 0, INK_GOOD, "Done", "VM runs on the destination",
      PAUSED_THERE },
    { "handed-over", NULL, NULL, 0, INK_GOOD, "Handed over",
      "the source has sent all of VM; the destination was not observed", NULL },
    { "failed", "steer", "unknown", EXIT_UNREACHABLE, INK_BAD, "Failed",
      "it is not known from here where VM runs", NULL },
    { "failed", NULL, NULL, EXIT_UNREACHABLE, INK_BAD, "Failed",
      "nothing was started, VM is untouched", NULL },
    { "failed", NULL, NULL, EXIT_REFUSED, INK_BAD, "Refused",
      "nothing was started, VM is untouched", NULL },
    { "failed", "incoming", NULL, 0, INK_BAD, "Failed",
      "VM did not arrive whole, and nothing was started here", NULL },
    { "failed", NULL, "source", 0, INK_BAD, "Failed", AS_BEFORE, PAUSED_HERE },
    { "failed", NULL, "destination", 0, INK_BAD, "Failed", "VM runs on the destination",
      PAUSED_THERE },
    { "failed", NULL, NULL, 0, INK_BAD, "Failed", "it is not known from here where VM runs", NULL },
    { "cancelled", NULL, "source", 0, INK_CAUTION, "Cancelled", AS_BEFORE, PAUSED_HERE },
    { "cancelled", NULL, NULL, 0, INK_CAUTION, "Cancelled",
      "it is not known from here where VM runs", NULL },
    { "postcopy-paused", NULL, NULL, 0, INK_CAUTION, "Postcopy paused",
      "VM stands still with its memory on both sides; nothing is lost as long as both live", NULL },
    { "undecided", NULL, NULL, 0, INK_BAD, "Decision needed",
      "nothing is lost, but nobody may start VM before you have checked", NULL },
    { "guest-ended", NULL, NULL, 0, INK_BAD, "The guest ended", "VM runs nowhere any more", NULL },
    { "planned", NULL, NULL, 0, INK_GOOD, "Planned", NULL, NULL },
    { "left", "steer", NULL, 0, INK_CAUTION, "Left", NULL, NULL },
    { "left", "incoming", NULL, 0, INK_CAUTION, "Left",
      "QEMU still waits for VM, and nobody of ours looks after it", NULL },
    { "left", NULL, NULL, 0, INK_CAUTION, "Left", "the move of VM goes on, and nobody steers it",
      NULL },
};

static gboolean
fits (const char *wanted, const char *is)
{
    return !wanted || !strcmp (wanted, is);
}

static const Ending *
find_ending (json_object *header, json_object *result)
{
    static const Ending unstarted = { .ink = INK_CAUTION,
                                      .head = "Left",
                                      .line = "nothing was started, VM is untouched" };
    static const Ending unknown = { .ink = INK_BAD, .head = "Ended", .line = "look after VM" };
    const char *outcome = qmp_peek_string (result, "outcome", "");
    const char *role = qmp_peek_string (header, "role", "");
    const char *place = qmp_peek_string (result, "guest_runs_on", "");
    guint64 exit_code = qmp_peek_uint (result, "exit_code", NO_CODE);

    if (!qmp_peek_bool (result, "started", TRUE))
        return &unstarted;
    for (guint i = 0; i < G_N_ELEMENTS (endings); i++) {
        const Ending *ending = &endings[i];

        if (fits (ending->outcome, outcome) && fits (ending->role, role) &&
            fits (ending->place, place) && (!ending->exit_code || ending->exit_code == exit_code))
            return ending;
    }
    return &unknown;
}

/* With the state that QEMU gives where LINE does not tell it. */
static char *
ending_text (const Ending *ending, const char *name, const char *state, const char *text)
{
    gboolean is_paused = ending->paused && !g_strcmp0 (state, "paused");
    g_auto (GStrv) around = NULL;
    g_autofree char *line = NULL;

    if (!ending->line)
        return g_strdup (text);
    around = g_strsplit (is_paused ? ending->paused : ending->line, "VM", 2);
    line = g_strjoinv (name, around);
    if (ending->paused && !is_paused && state && strcmp (state, "running") != 0)
        return g_strdup_printf ("%s (QEMU calls its state '%s').", line, state);
    return g_strconcat (line, ".", NULL);
}

void
headline_append (const Style *style, GString *out, json_object *header, json_object *result)
{
    const Ending *ending = find_ending (header, result);
    g_autofree char *name = heading_vm_name (style, header);
    g_autofree char *state = text_peek (style, result, "run_state");
    g_autofree char *text = text_peek (style, result, "text");
    g_autofree char *line = ending_text (ending, name, state, text ? text : "");
    g_autofree char *head = g_strdup_printf ("%s:", ending->head);

    style_ink (style, out, ending->ink, head);
    g_string_append_c (out, ' ');
    text_fold (style, out, (int)strlen (head) + 1, 0, line);
    g_string_append_c (out, '\n');
}
