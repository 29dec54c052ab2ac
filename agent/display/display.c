/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/display/display.h"

#include <string.h>

#include "agent/display/advice.h"
#include "agent/display/heading.h"
#include "agent/display/live.h"
#include "agent/display/plan.h"
#include "agent/display/prediction.h"
#include "agent/display/screen.h"
#include "agent/display/summary.h"
#include "agent/display/terminal.h"
#include "agent/display/text.h"
#include "qmp/value.h"

#define REDRAW_PERIOD_US (G_USEC_PER_SEC / 10)
#define PLAIN_PERIOD_US  (5 * G_USEC_PER_SEC)
#define NEVER            G_MAXUINT64
#define FOLD_MAX         100 /* columns: longer lines of prose are hard to read on any screen */

struct Display {
    DisplayOptions options;
    Style style;
    Screen screen;
    json_object *header; /* of the record, or NULL */
    gboolean heading_due;
    char *name; /* the VM's, clean */

    double progress; /* the most that was shown; -1: none yet */
    char *phase;
    guint64 passes;
    guint64 drawn_us; /* or NEVER */
    AdviceNews advice;
};

/* A new record begins, or the first one without a header. */
static void
forget_record (Display *self)
{
    g_clear_pointer (&self->header, json_object_put);
    g_clear_pointer (&self->name, g_free);
    g_clear_pointer (&self->phase, g_free);
    advice_news_clear (&self->advice);
    self->name = heading_vm_name (&self->style, NULL);
    self->heading_due = FALSE;
    self->progress = -1;
    self->passes = 0;
    self->drawn_us = NEVER;
}

Display *
display_new (const DisplayOptions *options)
{
    Display *self = g_new0 (Display, 1);

    self->options = *options;
    self->style =
        (Style){ .color = options->color, .utf8 = options->utf8, .verbose = options->verbose };
    self->screen = (Screen){ .out = options->out, .err = options->err };
    forget_record (self);
    return self;
}

void
display_free (Display *self)
{
    if (!self)
        return;
    display_break (self);
    forget_record (self);
    g_free (self->name);
    g_free (self);
}

void
display_break (Display *self)
{
    screen_break (&self->screen);
}

/* --- one function for each type of line ------------------------------------------------------ */

static void
on_header (Display *self, json_object *line)
{
    display_break (self);
    forget_record (self);
    self->header = json_object_get (line);
    self->heading_due = TRUE;
    g_free (self->name);
    self->name = heading_vm_name (&self->style, line);
}

static void
print_heading (Display *self, json_object *line)
{
    g_autofree char *text = NULL;
    g_autoptr (GString) folded = g_string_new (NULL);
    g_autoptr (GString) out = g_string_new (NULL);

    if (!self->heading_due || self->options.quiet)
        return;
    self->heading_due = FALSE;
    text = heading_text (&self->style, self->header, qmp_peek_bool (line, "dry_run", FALSE));
    text_fold (&self->style, folded, 0, 2, text);
    style_ink (&self->style, out, INK_BOLD, folded->str);
    g_string_append_c (out, '\n');
    screen_print (&self->screen, self->options.out, out->str);
}

static void
on_plan (Display *self, json_object *line)
{
    g_autofree char *text = NULL;

    if (self->options.quiet)
        return;
    text = plan_text (&self->style, self->header, line);
    screen_print (&self->screen, self->options.out, text);
}

static void
on_prediction (Display *self, json_object *line)
{
    g_autofree char *text = NULL;

    if (self->options.quiet)
        return;
    text = prediction_text (&self->style, self->name, line);
    screen_print (&self->screen, self->options.out, text);
}

/* Also here, whatever the estimate says: a bar that runs backwards is believed by nobody. */
static void
note_progress (Display *self, json_object *sample)
{
    double progress = qmp_peek_double (sample, "progress", self->progress);

    if (!strcmp (qmp_peek_string (sample, "status", ""), "completed"))
        progress = 1;
    self->progress = MAX (self->progress, MIN (progress, 1));
}

/* Is this sample a new phase or pass? */
static gboolean
note_step (Display *self, json_object *sample)
{
    const char *phase = qmp_peek_string (sample, "phase", "");
    guint64 passes = qmp_peek_uint (sample, "passes", self->passes);
    gboolean is_step = g_strcmp0 (self->phase, phase) != 0 || passes != self->passes;

    if (!is_step)
        return FALSE;
    g_free (self->phase);
    self->phase = g_strdup (phase);
    self->passes = passes;
    return TRUE;
}

/* Has PERIOD passed since the last drawing? */
static gboolean
note_due (Display *self, guint64 t_us, guint64 period_us)
{
    if (self->drawn_us != NEVER && t_us < self->drawn_us + period_us)
        return FALSE;
    self->drawn_us = t_us;
    return TRUE;
}

static void
draw_live (Display *self, json_object *sample)
{
    int columns = terminal_columns (self->options.err, self->options.columns);
    g_autofree char *text = live_text (&self->style, sample, self->name, self->progress, columns);

    screen_rewrite (&self->screen, text);
}

static void
print_plain (Display *self, json_object *sample)
{
    g_autofree char *text = live_plain_text (&self->style, sample, self->name, self->progress);
    g_autofree char *line = g_strconcat (text, "\n", NULL);

    screen_print (&self->screen, self->options.out, line);
}

static void
on_sample (Display *self, json_object *line)
{
    guint64 t_us = qmp_peek_uint (line, "t_us", 0);
    gboolean is_step = note_step (self, line);

    note_progress (self, line);
    if (self->options.quiet)
        return;
    if (!self->options.live && is_step)
        self->drawn_us = NEVER;
    /* samples come at the rate of the redraws: rounded down, none is left out for being early */
    if (self->options.live && note_due (self, t_us - t_us % REDRAW_PERIOD_US, REDRAW_PERIOD_US))
        draw_live (self, line);
    if (!self->options.live && note_due (self, t_us, PLAIN_PERIOD_US))
        print_plain (self, line);
}

/* "HEAD TEXT", folded; HEAD may be empty. */
static void
print_words (Display *self, FILE *to, Ink ink, const char *head, const char *text)
{
    g_autoptr (GString) out = g_string_new (NULL);
    int indent = *head ? text_width (head) + 1 : 0;

    style_ink (&self->style, out, ink, head);
    if (*head)
        g_string_append_c (out, ' ');
    text_fold (&self->style, out, indent, indent, text);
    g_string_append_c (out, '\n');
    screen_print (&self->screen, to, out->str);
}

/* Above the live line on a terminal, in the log else. Takes TEXT, which may be NULL. */
static void
say (Display *self, const char *head, char *text)
{
    g_autofree char *owned = text;
    FILE *to = self->options.live ? self->options.err : self->options.out;

    if (owned && !self->options.quiet)
        print_words (self, to, INK_PLAIN, head, owned);
}

static void
on_advice (Display *self, json_object *line)
{
    gboolean observes = qmp_peek_bool (self->header, "observe", FALSE);
    const char *who = observes ? "policy would:" : "policy:";

    say (self, who, advice_text (&self->advice, &self->style, line));
}

static void
on_applied (Display *self, json_object *line)
{
    say (self, "qmpmig:", advice_applied_text (&self->style, line));
}

static void
on_event (Display *self, json_object *line)
{
    g_autofree char *end = text_peek (&self->style, line, "end");
    g_autofree char *name = text_peek (&self->style, line, "name");
    json_object *data = qmp_peek (line, "data");
    const char *json = data ? json_object_to_json_string_ext (data, JSON_C_TO_STRING_PLAIN) : "";
    g_autofree char *words = text_clean (json, self->style.utf8);

    if (self->style.verbose && name)
        say (self, "event:", g_strdup_printf ("%s: %s %s", end ? end : "?", name, words));
}

static void
on_notice (Display *self, json_object *line)
{
    const char *level = qmp_peek_string (line, "level", "info");
    gboolean is_error = !strcmp (level, "error");
    g_autofree char *text = text_peek (&self->style, line, "text");

    if (!text || (self->options.quiet && !is_error))
        return;
    if (!strcmp (level, "info"))
        print_words (self, self->options.err, INK_PLAIN, "", text);
    else
        print_words (self, self->options.err, is_error ? INK_BAD : INK_CAUTION,
                     is_error ? "error:" : "warning:", text);
}

static void
on_result (Display *self, json_object *line)
{
    g_autofree char *text = summary_text (&self->style, self->header, line, self->options.quiet);

    display_break (self);
    screen_print (&self->screen, self->options.out, text);
}

/* Folding follows the window, as the live line does. */
static void
measure (Display *self)
{
    if (self->options.fold)
        self->style.fold =
            MIN (terminal_columns (self->options.out, self->options.columns), FOLD_MAX);
}

void
display_line (Display *self, json_object *line)
{
    static const struct {
        const char *type;
        void (*draw) (Display *, json_object *);
    } types[] = {
        { "header", on_header }, { "prediction", on_prediction }, { "plan", on_plan },
        { "sample", on_sample }, { "advice", on_advice },         { "applied", on_applied },
        { "event", on_event },   { "notice", on_notice },         { "result", on_result },
    };
    const char *type = qmp_peek_string (line, "type", "");

    measure (self);
    for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
        if (strcmp (types[i].type, type) != 0)
            continue;
        if (types[i].draw != on_header)
            print_heading (self, line);
        types[i].draw (self, line);
    }
}
