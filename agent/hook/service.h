/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service, over the system bus. Each is an errand (errand.h): it may take as long as it likes,
 * and what goes wrong is told to the system's log. */
#pragma once

#include <glib.h>

typedef struct {
    const char *name; /* the domain's */
    const char *uuid;
    const char *monitor; /* a QMP socket of our own, NULL: through libvirt */
    const char *policy;  /* NULL: as the service is configured */
    gboolean wants_veto; /* if the service has no hope */
} ServiceGuest;

/* What a veto's text starts with. */
#define SERVICE_VETO "veto: "

/* Hands the guest over, whose migration is about to start. Gives a veto as soon as the service's
 * verdict is that it cannot end within the limits. */
char *service_hand_over (gpointer guest);
/* Starts the service if it is not running. */
char *service_wake (gpointer unused);
/* One line on how the guest's last migration ended, NULL: the service knows of none. */
char *service_outcome (gpointer guest);
