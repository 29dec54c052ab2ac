/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/predict/recording.h"

#include <string.h>

#include "agent/steering/trace-text.h"
#include "qmp/value.h"

typedef struct {
    Recording *recording;
    const char *path;
    guint64 syncs, looked_us;  /* QEMU's last look, on the record's clock; 0: not yet */
    json_object *capabilities; /* of the source */
} Reader;

static void
command_clear (gpointer data)
{
    SimCommand *command = data;

    json_object_put (command->parameters);
}

static void
put_all (json_object *to, json_object *from)
{
    if (!json_object_is_type (from, json_type_object))
        return;
    json_object_object_foreach (from, name, value)
        json_object_object_add (to, name, json_object_get (value));
}

/* --- how it was armed ------------------------------------------------------------------------ */

static void
put_planned (json_object *to, json_object *list)
{
    gsize count = qmp_length (list);

    for (gsize i = 0; i < count; i++) {
        json_object *entry = json_object_array_get_idx (list, i);
        const char *name = qmp_peek_string (entry, "name", NULL);

        if (name && g_str_equal (qmp_peek_string (entry, "end", ""), "source"))
            json_object_object_add (to, name, json_object_get (qmp_peek (entry, "value")));
    }
}

static void
take_header (Reader *self, json_object *line)
{
    self->recording->header = json_object_get (line);
    put_all (self->recording->course.parameters, qmp_peek (line, "ends.source.parameters"));
    put_all (self->capabilities, qmp_peek (line, "ends.source.capabilities"));
}

static void
take_plan (Reader *self, json_object *line)
{
    put_planned (self->recording->course.parameters, qmp_peek (line, "parameters"));
    put_planned (self->capabilities, qmp_peek (line, "capabilities"));
    self->recording->course.postcopy_now =
        g_str_equal (qmp_peek_string (line, "postcopy", ""), "now");
}

/* --- what was commanded ---------------------------------------------------------------------- */

static void
add_command (Reader *self, json_object *line, json_object *parameters, enum qmpmig_action action)
{
    guint64 t_us = qmp_peek_uint (line, "t_us", 0);
    guint64 looked_us = MIN (self->looked_us, t_us);
    SimCommand command = { .syncs = self->syncs,
                           .since_us = t_us - looked_us,
                           .parameters = json_object_get (parameters),
                           .action = action };

    g_array_append_val (self->recording->course.commands, command);
}

static void
take_applied (Reader *self, json_object *line)
{
    json_object *parameters = qmp_peek (line, "parameters");

    if (json_object_is_type (parameters, json_type_object) &&
        g_str_equal (qmp_peek_string (line, "answer", ""), "ok"))
        add_command (self, line, parameters, QMPMIG_ACTION_NONE);
}

static void
take_advice (Reader *self, json_object *line)
{
    static const struct {
        const char *name;
        enum qmpmig_action action;
    } actions[] = { { "postcopy", QMPMIG_ACTION_POSTCOPY },
                    { "pause-guest", QMPMIG_ACTION_PAUSE_GUEST },
                    { "cancel", QMPMIG_ACTION_CANCEL } };
    const char *name = qmp_peek_string (line, "action", "none");

    if (qmp_peek_bool (self->recording->header, "observe", FALSE))
        return;
    for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
        if (g_str_equal (name, actions[i].name))
            add_command (self, line, NULL, actions[i].action);
}

/* --- lines ----------------------------------------------------------------------------------- */

static void
take_sample (Reader *self, json_object *line)
{
    Recording *recording = self->recording;
    guint64 t_us = qmp_peek_uint (line, "t_us", 0);
    Sample sample;

    sample_init (&sample);
    sample_from_json (&sample, line);
    if (sample.now_us == SAMPLE_UNKNOWN || sample.sent_bytes == SAMPLE_UNKNOWN)
        return;
    if (self->looked_us == 0 || (sample.syncs != SAMPLE_UNKNOWN && sample.syncs > self->syncs))
        self->looked_us = t_us - MIN (self->looked_us ? 0 : sample.now_us, t_us);
    self->syncs = sample.syncs != SAMPLE_UNKNOWN ? sample.syncs : self->syncs;
    recording->qemu_downtime_us = qmp_peek_uint (line, "downtime_us", recording->qemu_downtime_us);
    g_array_append_val (recording->samples, sample);
}

static void
take_line (Reader *self, json_object *line)
{
    const char *type = qmp_peek_string (line, "type", "");

    if (g_str_equal (type, "plan"))
        take_plan (self, line);
    else if (g_str_equal (type, "sample"))
        take_sample (self, line);
    else if (g_str_equal (type, "applied"))
        take_applied (self, line);
    else if (g_str_equal (type, "advice"))
        take_advice (self, line);
    else if (g_str_equal (type, "result") && !self->recording->result)
        self->recording->result = json_object_get (line);
}

static gboolean G_GNUC_PRINTF (3, 4)
    fail (const Reader *self, GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    g_set_error (error, UNITS_ERROR, 0, "%s: %s", self->path, text);
    return FALSE;
}

/* What a `recover` has added behind is another migration's. */
static gboolean
take_text (Reader *self, const char *text, gboolean *ret_goes_on, GError **error)
{
    g_autoptr (json_object) line = json_tokener_parse (text);
    gboolean is_header = line && g_str_equal (qmp_peek_string (line, "type", ""), "header");
    gboolean is_first = !self->recording->header;

    *ret_goes_on = line && !(is_header && !is_first);
    if (is_first && !(is_header && g_str_equal (qmp_peek_string (line, "format", ""), "qmpmig-1")))
        return fail (self, error, "not a trace: it is no header of qmpmig-1");
    if (is_first)
        take_header (self, line);
    else if (*ret_goes_on)
        take_line (self, line);
    return TRUE;
}

static gboolean
take_lines (Reader *self, char *text, GError **error)
{
    gboolean goes_on = TRUE;

    for (char *end; goes_on && text && *text; text = end) {
        end = strchr (text, '\n');
        if (end)
            *end++ = '\0';
        if (!take_text (self, text, &goes_on, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
is_on (const Reader *self, const char *capability)
{
    return qmp_peek_bool (self->capabilities, capability, FALSE);
}

static void
take_armed (Reader *self)
{
    SimCourse *course = &self->recording->course;

    course->auto_converge = is_on (self, "auto-converge");
    course->xbzrle = is_on (self, "xbzrle");
    course->postcopy = is_on (self, "postcopy-ram");
    course->preempt = is_on (self, "postcopy-preempt");
    if (is_on (self, "multifd"))
        course->channels = (guint)qmp_peek_uint (course->parameters, "multifd-channels", 2);
}

static gboolean
read_all (Reader *self, GByteArray *text, GError **error)
{
    g_byte_array_append (text, (const guint8 *)"", 1);
    if (!take_lines (self, (char *)text->data, error))
        return FALSE;
    if (!self->recording->header)
        return fail (self, error, "not a trace: it has no whole line");
    if (self->recording->samples->len < 2)
        return fail (self, error, "nothing moved while it was recorded");
    take_armed (self);
    return TRUE;
}

gboolean
recording_read (Recording *self, const char *name, GError **error)
{
    g_autofree char *path = trace_text_path (name);
    g_autoptr (GByteArray) text = trace_text_read (path, error);
    g_autoptr (json_object) capabilities = json_object_new_object ();
    Reader reader = { .recording = self, .path = path, .capabilities = capabilities };

    *self = (Recording){ .samples = g_array_new (FALSE, FALSE, sizeof (Sample)),
                         .qemu_downtime_us = SAMPLE_UNKNOWN };
    self->course.parameters = json_object_new_object ();
    self->course.commands = g_array_new (FALSE, FALSE, sizeof (SimCommand));
    g_array_set_clear_func (self->course.commands, command_clear);
    if (text && read_all (&reader, text, error))
        return TRUE;
    recording_clear (self);
    return FALSE;
}

void
recording_clear (Recording *self)
{
    g_clear_pointer (&self->header, json_object_put);
    g_clear_pointer (&self->result, json_object_put);
    g_clear_pointer (&self->samples, g_array_unref);
    g_clear_pointer (&self->course.parameters, json_object_put);
    g_clear_pointer (&self->course.commands, g_array_unref);
}
