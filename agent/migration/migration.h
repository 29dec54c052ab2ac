/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moving one guest. Everything here belongs to the migration's thread; the others see it through
 * the board only. */
#pragma once

#include "agent/board.h"
#include "agent/exit-code.h"
#include "agent/migration/journal.h"
#include "agent/migration/plan.h"
#include "agent/migration/settle.h"
#include "agent/migration/surroundings.h"
#include "agent/migration/uri.h"
#include "agent/migration/vm.h"
#include "agent/options.h"
#include "agent/steering/helm.h"

/* How long we wait for what, documented in qmpmig(1). Each answer of a peer has its own limit on
 * top (--reply-timeout). */
#define SAMPLE_PERIOD_US     (100 * G_TIME_SPAN_MILLISECOND)
#define SWITCHOVER_ANSWER_US (2 * G_TIME_SPAN_SECOND) /* destination; the guest stands still */
#define SETTLE_ANSWER_US     (2 * G_TIME_SPAN_SECOND) /* each end, when something has gone wrong */
#define RESUME_PATIENCE_US   (5 * G_TIME_SPAN_SECOND) /* `failed` may come before RESUME */
#define LIBVIRT_PATIENCE_US  (5 * G_TIME_SPAN_MINUTE) /* for libvirtd to come back */
#define LAST_WORDS_US        (1 * G_TIME_SPAN_SECOND) /* a destination's, on why it failed */

typedef enum {
    OUTCOME_FAILED,
    OUTCOME_COMPLETED,
    OUTCOME_HANDED_OVER,
    OUTCOME_CANCELLED,
    OUTCOME_POSTCOPY_PAUSED,
    OUTCOME_UNDECIDED,
    OUTCOME_GUEST_ENDED,
    OUTCOME_LEFT,
    OUTCOME_PLANNED, /* --dry-run */
} Outcome;

typedef struct {
    Outcome outcome;
    ExitCode exit_code;
    const char *guest_runs_on; /* "destination", "source", "both-halves", "nowhere", "unknown" */
    char *run_state;           /* of the guest where it is; NULL: not seen */
    char *text;                /* one sentence */
    GError *error;             /* why; NULL on success */
    GPtrArray *check;          /* char *: what to look at */
    GPtrArray *commands;       /* char *: what to type */
    gboolean source_kept;
} Result;

/* dirty-sampling.c */
typedef struct {
    guint taken;
    guint time_ms; /* of the one that runs; 0: none */
    gboolean ended;
    guint64 since_us; /* of the migration */
} DirtySampling;

typedef struct Migration Migration;

struct Migration {
    const GlobalOptions *global;
    MigrateOptions *options;
    /* Applies what is configured for a VM of that name, once it is known. */
    gboolean (*configure) (Migration *m, const char *name, const char *uuid, GError **error);
    gpointer configure_data;
    Board *board;
    GMainContext *context;
    GCancellable *leave; /* fires when the operator wants us gone, and nothing keeps us */
    GMutex leave_lock;
    gboolean leave_wanted, stays; /* under leave_lock; see migration_stay() */

    const char *role; /* "migrate", "incoming", "recover", "steer" */
    char *id;
    MigrationUri *uri;
    Vm *source;      /* NULL: not observed */
    Vm *destination; /* NULL: not observed */
    Plan *plan;
    Journal *journal;

    Surroundings around;
    guint64 bandwidth_asked;    /* by the operator or the others; 0: unlimited */
    guint64 shared_bytes_per_s; /* our share of the link that was taken last */
    gboolean has_shared;
    json_object *found; /* parameters that go back in the end; NULL: as they are when we come */
    Limits limits;
    Tracker tracker;
    Helm helm;
    DirtySampling sampling;
    gint64 started_us;  /* of this qmpmig's work */
    gint64 migrate_us;  /* `migrate` was sent */
    gint64 progress_us; /* something last moved */
    guint64 progress_mark;

    gboolean is_foreign;      /* somebody else started it, and ends it */
    struct Launch *launch;    /* libvirt's call, where libvirt moves it for us; else NULL */
    struct GuestLock *lock;   /* nobody else steers it; NULL: nor do we */
    json_object *set_by_us;   /* parameters of a foreign one; NULL: it is ours */
    gboolean told_completed;  /* an event of the source's said so */
    gboolean told_switchover; /* the source's last one: it stands in pre-switchover */
    guint64 asked_ahead;      /* a question to the destination, how it is, is under way; 0: none */
    gboolean was_live;        /* the guest ran when we came: it has to run in the end */
    gboolean touched;         /* something was changed that has to be put back */
    gboolean incoming_sent;   /* we made the destination listen */
    gboolean autostart_cleared; /* the destination cannot start by itself */
    gboolean we_stopped;        /* the guest was stopped at the source by us */
    gboolean has_header;        /* the record has its first line */
    gboolean foresees;          /* --predict: QEMU measures, and nothing has begun */
    json_object *predicted;     /* what came of that, for the result; NULL: nothing was predicted */
    gboolean cancel_wanted;
    gboolean abort_sent;      /* libvirt has taken our abort */
    gboolean launch_is_late;  /* libvirt has not begun in time */
    guint64 finish_cap_us;    /* `finish`: the downtime limit may be raised so far; 0: not asked */
    gboolean postcopy_wanted; /* by rule or operator; not yet sent */
    gboolean postcopy_sent;   /* migrate-start-postcopy was sent */
    gboolean continued;       /* migrate-continue was sent */
    gboolean told_to_run;     /* `cont` was sent to the destination */
    gboolean refused_to_run;  /* the destination refused that, in its own words */
    gboolean ran_there;       /* the guest was seen running at the destination */
    gboolean named[2];        /* that end is ours to see, also when it cannot be reached now */
    char *unreachable[2];     /* why that end could not be opened, still to be told */
    gboolean gone[2];         /* that end's QEMU is proven dead, or confirmed to be */
    gboolean confirmed_dead;  /* the destination, by the operator */
    gboolean silent[2];       /* that end did not answer at the last look */
    json_object *before[2];   /* what to put back: {"capabilities", "parameters"} */
    TlsOptions tls;           /* objects that were made at the ends; borrowed */

    MigrationStatus status; /* the source's, at the last look */
    char *status_text;
    char *source_run_state;    /* by events and looks */
    guint64 qemu_downtime_us;  /* SAMPLE_UNKNOWN: not told */
    gint64 stop_us, resume_us; /* local receive times of STOP and RESUME, 0: not seen */
    char *destination_error;   /* its own words */
    char *source_error;
    char *guest_event; /* "SHUTDOWN", "GUEST_PANICKED": the guest's own end */
    Result result;
};

/* What can be told to be wrong before anything is contacted. */
gboolean migration_check_usage (const GlobalOptions *global, const MigrateOptions *options,
                                GError **error);
/* The thread's whole life: looks, plans, moves, settles, puts back, posts the result. */
ExitCode migration_run (Migration *m);
/* Takes over what another qmpmig left, or brings a paused postcopy on. CONFIRMED: the end that the
 * operator says is dead, or NULL. DRY_RUN only tells. */
ExitCode migration_recover (Migration *m, const char *confirmed, gboolean dry_run);
/* Receives one here; m->source is never set. */
ExitCode migration_receive (Migration *m);
/* Goes on with what another qmpmig had begun to receive. A guest that was whole before we came is
 * started only if that had been decided. Fills in the result. */
void migration_receive_on (Migration *m);
/* Tunes one that somebody else started, to its end. WAITS: for one to begin. OBSERVES: tells what
 * it would do, and does nothing. CHECK, once there is one: whether it is nobody's of ours. */
typedef gboolean (*MigrationCheck) (const QmpAddress *monitor, GError **error);
ExitCode migration_steer_foreign (Migration *m, gboolean waits, gboolean observes,
                                  MigrationCheck check);
/* Has libvirt move a guest of its own, and tunes it. */
ExitCode migration_run_by_libvirt (Migration *m);
void migration_clear (Migration *m);

/* -- Between the migration's files -- */

/* Sets source, destination, id and what else is known at first sight. */
gboolean migration_look_at_ends (Migration *m, GError **error);
/* The journal is there before anything is touched. */
gboolean migration_begin (Migration *m, GError **error);
/* --predict: measures, and tells what the move will come to. */
gboolean migration_foresee (Migration *m, GError **error);
/* Both ends are as the plan says, and the destination listens. Posts header and plan. */
gboolean migration_prepare (Migration *m, GError **error);
/* Once the guest's state goes: converge, then postcopy or the handover, to the end. */
gboolean migration_carry_on (Migration *m, GError **error);
/* Pre-switchover to the guest running at the destination. */
gboolean migration_hand_over (Migration *m, GError **error);
/* What the handover has to know first, asked before it is needed. */
void migration_ask_ahead (Migration *m);
void migration_forget_ahead (Migration *m);
/* From the wish to switch to both ends completed. */
gboolean migration_switch_to_postcopy (Migration *m, GError **error);
gboolean migration_finish_postcopy (Migration *m, GError **error);
/* Destination completed; `cont` if the guest ran; seen in its final state. */
gboolean migration_run_destination (Migration *m, GError **error);
gboolean migration_await_destination (Migration *m, GError **error);
/* Sends migrate-recover there, migrate with resume here. */
gboolean migration_recover_postcopy (Migration *m, GError **error);
/* A destination that did not answer before may do so now. */
void migration_see_destination (Migration *m);
/* A destination that chose its port itself: the URI gets it. */
gboolean migration_take_real_port (Migration *m, GError **error);

/* After a failure (WHY is taken) or when taking over (WHY is NULL): looks at both ends, decides by
 * settle.h, acts, again and again until it is settled, and fills in the result. FORWARD: going on
 * with the move is allowed. */
void migration_bring_to_an_end (Migration *m, GError *why, gboolean forward);
SettleView migration_view (Migration *m, gboolean forward);
/* How long an end has for an answer while we settle. */
gint64 migration_settle_answer_us (const Migration *m);
/* FACTS as the journal keeps them; owned by the caller. */
json_object *migration_journal_facts (const Migration *m);
json_object *migration_policy_keys (const Migration *m); /* {as given}; owned by the caller */
/* Process of that end's QEMU on this host, by its monitor or by the journal; 0: not known. */
pid_t migration_pid (const Migration *m, End end);
/* The guest runs again at the source if it ran before and stands still because of the move; seen.
 */
gboolean migration_resume_source (Migration *m, GError **error);
/* Why it failed, in the destination's words, if it gets to say them. */
void migration_hear_destination (Migration *m);
/* The happy end: the result, the source's QEMU. */
void migration_succeed (Migration *m);

/* The operator wants us gone (any thread). While the guest stands still between both ends we stay
 * until it has been brought to an end. */
void migration_ask_to_leave (Migration *m);
void migration_stay (Migration *m);
void migration_stay_no_longer (Migration *m);

/* Moves events to the record, answers what the board asks. FALSE when we shall leave. */
gboolean migration_attend (Migration *m, GError **error);
/* Attends until an event, a request, or DEADLINE_US (monotonic). */
gboolean migration_wait (Migration *m, gint64 deadline_us, GError **error);
/* Nothing has moved for as long as we wait for an answer; says so once for each such time. */
gboolean migration_is_stalled (Migration *m);
/* If it is stalled: a destination that does not answer either hangs, and that is an error. If it
 * answers, it is the link, which may come back. */
gboolean migration_check_progress (Migration *m, GError **error);
/* query-migrate on the source: updates status, tracker and record. */
gboolean migration_look (Migration *m, GError **error);
/* The same without a question, where the source has said by itself that it waits for us. */
gboolean migration_is_told (Migration *m);
void migration_answer_requests (Migration *m);
/* Of the limits ASKED {name: text} those that are in force otherwise: {name: why}. */
json_object *migration_cut_limits (const Migration *m, json_object *asked);
/* After `finish`: raises the downtime limit to what is needed now. */
gboolean migration_press_downtime (Migration *m, GError **error);
/* One migrate-set-parameters on the source, if ARGUMENTS (taken) have any, posted as `applied`
 * together with what the guard rails CHANGED (sentences; may be NULL). */
gboolean migration_apply (Migration *m, json_object *arguments, GPtrArray *changed, GError **error);
/* QEMU has taken these. */
void migration_note_set (Migration *m, Vm *vm, json_object *parameters);
/* Gives the policy its seat: loaded, configured; before the plan. */
gboolean migration_seat_policy (Migration *m, GError **error);
/* Asks the policy about the last look and does what it says. */
gboolean migration_steer (Migration *m, GError **error);
/* QMPMIG_MAY_: the knobs that can be turned now. */
guint64 migration_knobs (const Migration *m);
/* With each look, in the first pass: has QEMU find out how fast the guest writes. */
void migration_sample_dirtying (Migration *m);
gboolean migration_pause_guest (Migration *m, GError **error);

/* Together with our share of the link it limits the bandwidth from now on; 0: unlimited. */
void migration_ask_bandwidth (Migration *m, guint64 bytes_per_s);
/* What goes on around us, for the next sample and the limits. */
void migration_see_surroundings (Migration *m, Sample *sample);
/* The bandwidth follows our share of the link. */
gboolean migration_take_share (Migration *m, GError **error);
/* The operator's limits, from the options. */
void migration_take_limits (Migration *m);
/* QEMU's at the source, as they are now: an object; owned by the caller. */
json_object *migration_query_parameters (Migration *m, GError **error);
/* FALSE: another process of ours steers it, or has libvirt move it. Who only looks is let pass. */
gboolean migration_lock_foreign (Migration *m, GError **error);
/* TRUE with the outgoing migration of somebody else there. WAITS: as long as it takes. */
gboolean migration_find_foreign (Migration *m, gboolean waits, GError **error);
/* The parts of migration_steer_foreign(): the source opened; what is armed and set, and the limits
 * by it; the policy seated and the header posted; steered to the end; given up before anything was
 * done (takes ERROR). */
gboolean migration_open_foreign (Migration *m, GError **error);
gboolean migration_read_foreign (Migration *m, GError **error);
gboolean migration_join_foreign (Migration *m, GError **error);
gboolean migration_follow_foreign (Migration *m, GError **error);
void migration_refuse_foreign (Migration *m, GError *error);
/* The result of one that is not ours: as its source's last status tells, or why we see no more
 * (WHY is taken). Our changes go back to FOUND, the parameters as they were. */
void migration_conclude_foreign (Migration *m, GError *why, json_object *found);
/* The same of one that libvirt runs for us, when libvirt has said what came of it, or does not. */
void migration_conclude_launch (Migration *m, GError *why, json_object *found);
/* The operator's word to libvirt, if there is one. */
gboolean migration_abort_launch (Migration *m, GError **error);
/* The same while libvirt has not begun; FALSE when it has taken too long to. */
gboolean migration_outwait_launch (Migration *m, GError **error);

/* No answer, from a libvirtd that may come back within LIBVIRT_PATIENCE_US. *AWAY_US: since when, 0
 * before. */
gboolean migration_libvirt_is_away (const Migration *m, const GError *why, gint64 *away_us);
/* The last of that: where the guest stays at the source. */
void migration_restore_foreign (Migration *m, json_object *found);

/* What has been changed goes back, where the guest lives on. Never fails the migration. */
void migration_put_back (Migration *m);

void migration_post (Migration *m, const char *type, json_object *body); /* takes BODY */
/* The same of a look, ten times a second: what makes that cheap is in here. */
void migration_post_sample (Migration *m, const Sample *sample);
void migration_notice (Migration *m, const char *level, const char *code, const char *format, ...)
    G_GNUC_PRINTF (4, 5);
void migration_post_header (Migration *m);
void migration_post_plan (Migration *m); /* the header before it, if it is not there yet */
json_object *migration_limits_to_json (const Migration *m);
void migration_post_result (Migration *m);
void migration_set_result (Migration *m, Outcome outcome, ExitCode code, const char *runs_on,
                           const char *format, ...) G_GNUC_PRINTF (5, 6);
void migration_add_check (Migration *m, const char *format, ...) G_GNUC_PRINTF (2, 3);
void migration_add_command (Migration *m, const char *format, ...) G_GNUC_PRINTF (2, 3);
