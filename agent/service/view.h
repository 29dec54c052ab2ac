/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A migration as D-Bus sees it. Lines are taken as they come, and told once a second. */
#pragma once

#include "agent/service/dbus.h"
#include "agent/service/job.h"

typedef struct View View;

/* Exports it, at MANAGER, as soon as JOB is named. */
View *view_new (GDBusObjectManagerServer *manager, const Job *job);
void view_free (View *self);

QmpmigMigration1 *view_interface (View *self); /* borrowed */
const char *view_path (View *self);
void view_take (View *self, json_object *line);
/* Tells what has changed since the last time. */
void view_flush (View *self);
/* It goes on (recover). */
void view_reopen (View *self);
