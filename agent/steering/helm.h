/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy's seat: it is shown each sample, and what it advises goes through the guard rails to
 * whoever is steered, all of one advice in one set of parameters. A policy that fails or does not
 * answer loses its seat: the migration goes on with what is set. The same for a real migration and
 * a simulated one. */
#pragma once

#include "agent/steering/policy.h"
#include "agent/steering/tracker.h"
#include "qmp/message.h"

/* Who is steered: what the seat can do there. DATA is handed through. */
typedef struct {
    /* ARGUMENTS (taken) of migrate-set-parameters, maybe none; CHANGED: what the guard rails did.
     */
    gboolean (*apply) (gpointer data, json_object *arguments, GPtrArray *changed, GError **error);
    gboolean (*act) (gpointer data, enum qmpmig_action action, GError **error);
    void (*post) (gpointer data, const char *type, json_object *body); /* takes BODY */
    void (*notice) (gpointer data, const char *level, const char *code, const char *text);
} HelmShip;

typedef struct {
    enum { PRIMER_PARKED, PRIMER_COUNTING, PRIMER_READY, PRIMER_DONE } stage;
    guint64 rate; /* of dirty pages, as QEMU told last */
    gboolean was_parked;
} ThrottlePrimer;

typedef struct {
    Policy *policy;               /* NULL: nobody steers */
    struct qmpmig_advice advised; /* the last one */
    guint64 ask_again_us;         /* time of the migration; until then the clock is no reason */
    ThrottlePrimer primer;
    gboolean slow, lost;
    gboolean steers_throttle; /* auto-converge is armed for us to steer */
    gboolean observes;        /* nothing is changed, only told */
    gboolean waits;           /* for an answer, as long as it takes: time stands still */
} Helm;

/* Asks the policy about the tracker's last sample and does what it says. */
gboolean helm_steer (Helm *self, Tracker *tracker, const HelmShip *ship, gpointer data,
                     GError **error);
/* To the parameters ARGUMENTS: what makes QEMU throttle by PCT. */
void helm_add_throttle (json_object *arguments, guint pct);
/* It was sent. */
void helm_note_throttle (Helm *self, Tracker *tracker, guint pct);
/* With each look: makes the next command hold as soon as it can. */
gboolean helm_prime_throttle (Helm *self, const Tracker *tracker, const HelmShip *ship,
                              gpointer data, GError **error);
