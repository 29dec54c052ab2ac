/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/helper.h"
#include "agent/commands/line.h"

/* The helper parses the same words, by the same table. */
static ExitCode
run_report (const CommandLine *line)
{
    g_autoptr (GError) error = NULL;

    helper_become ("report", command_line_words (line), &error);
    return command_fail (
        line, g_error_new_literal (G_OPTION_ERROR, G_OPTION_ERROR_FAILED, error->message));
}

static const OptionSpec options[] = {
    { "output", 'o', "FILE",
      "where it goes, over what was there; NAME.html, NAME.svg or NAME.png" },
    { "against", 0, "TRACE", "draws that migration too, on the same scale" },
    { 0 },
};

const Command command_report = {
    .name = "report",
    .arguments = "TRACE",
    .summary = "a past migration as a picture: what happened, and why",
    .description =
        "Draws the record of a migration: what was left, the rates, the throttle and the limits\n"
        "over time, each decision with its reason where it was taken, and the outcome in numbers.\n"
        "TRACE is a file, or a name out of the list of `qmpmig history`. The page is one file\n"
        "without scripts; .svg and .png are its picture alone.",
    .example = "  qmpmig report web1-20261120T100000Z-0a1b.jsonl -o web1.html\n"
               "  qmpmig report new.jsonl --against old.jsonl -o both.svg",
    .options = options,
    .min_arguments = 1,
    .max_arguments = 1,
    .run = run_report,
};
