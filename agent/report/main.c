/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/commands/program.h"
#include "agent/commands/record.h"
#include "agent/report/page.h"
#include "agent/report/picture.h"
#include "agent/steering/trace-text.h"

typedef gboolean (*Writer) (const Story *story, const Story *against, const char *file,
                            GError **error);

/* --- the three kinds ------------------------------------------------------------------------- */

static gboolean
write_html (const Story *story, const Story *against, const char *file, GError **error)
{
    g_autofree char *html = page_html (story, against);

    return g_file_set_contents (file, html, -1, error);
}

static gboolean
write_svg (const Story *story, const Story *against, const char *file, GError **error)
{
    g_autoptr (Scene) scene = picture_scene (story, against);
    g_autofree char *svg = scene_svg (scene, "A migration over time", TRUE);

    return g_file_set_contents (file, svg, -1, error);
}

static gboolean
write_png (const Story *story, const Story *against, const char *file, GError **error)
{
    g_autoptr (Scene) scene = picture_scene (story, against);

    return scene_png (scene, file, error);
}

static Writer
writer_of (const char *file)
{
    static const struct {
        const char *suffix;
        Writer writer;
    } kinds[] = { { ".html", write_html }, { ".svg", write_svg }, { ".png", write_png } };

    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
        if (g_str_has_suffix (file, kinds[i].suffix))
            return kinds[i].writer;
    return NULL;
}

/* --- the traces ------------------------------------------------------------------------------ */

static Story *
read_trace (const char *name, GError **error)
{
    g_autofree char *path = trace_text_path (name);

    return story_read (path, error);
}

/* --- the command ----------------------------------------------------------------------------- */

static gboolean
draw (const CommandLine *line, GError **error)
{
    const char *file = command_value (line, "output");
    const char *other = command_value (line, "against");
    Writer writer = file ? writer_of (file) : NULL;
    g_autoptr (Story) story = NULL;
    g_autoptr (Story) against = NULL;

    if (!writer) {
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "report: %s%s",
                     file ? file : "-o FILE is needed",
                     file ? ": neither .html nor .svg nor .png" : ", with .html, .svg or .png");
        return FALSE;
    }
    story = read_trace (command_arguments (line)[0], error);
    against = story && other ? read_trace (other, error) : NULL;
    return story && (against || !other) && writer (story, against, file, error);
}

static ExitCode
run_report (const CommandLine *line)
{
    GError *error = NULL;

    if (draw (line, &error)) {
        record_say (line, "report-written", "The report is in %s", command_value (line, "output"));
        return EXIT_DONE;
    }
    /* Whatever is wrong is wrong with what was named on the line. */
    error->domain = G_OPTION_ERROR;
    return command_fail (line, error);
}

int
main (int argc, char **argv)
{
    return program_main (argc, argv, &command_report, run_report);
}
