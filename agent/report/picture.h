/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The chart as a file of its own: with how it ended above, and what was decided below. */
#pragma once

#include "agent/report/scene.h"
#include "agent/report/story.h"

/* AGAINST may be NULL. */
Scene *picture_scene (const Story *story, const Story *against);
