/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The style sheet of the page; its colours are those of scene.c. */
#pragma once

extern const char *const page_style;
