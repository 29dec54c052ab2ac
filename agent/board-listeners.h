/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who sees the lines of a board. They may come and go at any time, also while a line is shown: that
 * is why each has a handle. Internal to the board. */
#pragma once

#include "agent/board.h"

typedef struct BoardListeners BoardListeners;

BoardListeners *board_listeners_new (void);
void board_listeners_free (BoardListeners *self);

guint board_listeners_add (BoardListeners *self, BoardListener listener, gpointer data);
void board_listeners_remove (BoardListeners *self, guint handle);
/* Those that are there when it begins and have not gone when it is their turn. */
void board_listeners_see (BoardListeners *self, json_object *line);
