/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/commands/program.h"

int
main (int argc, char **argv)
{
    return program_main (argc, argv, NULL, NULL);
}
