/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A qmpmig policy: it is shown a running migration and says which knobs to turn. Plain C99, also
 * C++. qmpmig-plugin(3) tells how to write one; this sheet is the contract.
 *
 * Units stand in the names: _us microseconds, _bytes, _bytes_per_s, _pct 0 to 100, _ppm millionths.
 * Times are microseconds since the start of the migration. A number that is not known is
 * QMPMIG_UNKNOWN, never 0.
 *
 * The promise: within one QMPMIG_ABI structs only grow, at their end. Who is given a struct looks
 * at its `size` first and reads no further. Those that lie inside others (qmpmig_curve,
 * qmpmig_limits) have no size and never grow. All structs are free of padding and pointers (but
 * for the plugin, the host and the context).
 *
 * A plugin has no clock, no random source, no threads and does no I/O: what it needs is in what it
 * is given, so that a recorded migration can be replayed and comes out the same. */
#ifndef QMPMIG_PLUGIN_H
#define QMPMIG_PLUGIN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QMPMIG_ABI     1
#define QMPMIG_UNKNOWN UINT64_MAX
/* Points of the working-set curve: distinct bytes that the guest writes in so much of its time. */
#define QMPMIG_CURVE_POINTS 8

struct qmpmig_context;

/* What qmpmig offers. Valid as long as the context is. The parsers take what the command line
 * takes; on failure they say why, with WHAT in it, leave *RET alone and return -1. */
struct qmpmig_host {
    uint64_t size;
    void (*log) (const struct qmpmig_context *context, const char *text);
    /* Why `config`, `config_complete`, `plan` or `decide` is about to return -1. */
    void (*error) (const struct qmpmig_context *context, const char *text);
    int (*parse_uint) (const struct qmpmig_context *context, const char *what, const char *text,
                       uint64_t *ret);
    int (*parse_bool) (const struct qmpmig_context *context, const char *what, const char *text,
                       uint64_t *ret);
    int (*parse_percent) (const struct qmpmig_context *context, const char *what, const char *text,
                          uint64_t *ret_pct);
    int (*parse_time) (const struct qmpmig_context *context, const char *what, const char *text,
                       uint64_t *ret_us);
    int (*parse_size) (const struct qmpmig_context *context, const char *what, const char *text,
                       uint64_t *ret_bytes);
    int (*parse_rate) (const struct qmpmig_context *context, const char *what, const char *text,
                       uint64_t *ret_bytes_per_s);
};

enum qmpmig_kind {
    QMPMIG_KIND_OWN,       /* qmpmig started it */
    QMPMIG_KIND_LIBVIRT,   /* libvirt runs it */
    QMPMIG_KIND_FOREIGN,   /* somebody else started it */
    QMPMIG_KIND_SIMULATED, /* none: a replay or a simulation */
};

/* What one migration is about. Given to open(), valid until close() returns. */
struct qmpmig_context {
    uint64_t size;
    const struct qmpmig_host *host;
    void *host_data; /* not the plugin's */
    char vm_name[256];
    char vm_uuid[40];
    char accelerator[16]; /* "kvm", "tcg"; empty: not known */
    uint32_t qemu_major, qemu_minor;
    uint32_t qemu_micro, kind; /* enum qmpmig_kind */
    uint64_t ram_bytes, vcpus, page_size_bytes;
    uint64_t seed; /* for whoever wants to draw lots */
};

struct qmpmig_curve {
    uint64_t time_us[QMPMIG_CURVE_POINTS]; /* of the guest running; ascending; unused: unknown */
    uint64_t bytes[QMPMIG_CURVE_POINTS];
};

/* What the operator has set. Guard rails: what an advice asks beyond them is cut. */
struct qmpmig_limits {
    uint64_t max_downtime_us;
    uint64_t max_stall_us;              /* longest single standstill, throttle's sleeps included */
    uint64_t deadline_left_us;          /* unknown: no deadline */
    uint64_t abort_left_us;             /* until an orchestrator gives up; unknown: it will not */
    uint64_t max_throttle_pct;          /* already lowered to what max_stall permits */
    uint64_t max_bandwidth_bytes_per_s; /* 0: unlimited */
    uint64_t if_stuck;                  /* enum qmpmig_if_stuck */
    uint64_t postcopy;                  /* enum qmpmig_postcopy */
};

enum qmpmig_if_stuck { QMPMIG_STUCK_WAIT, QMPMIG_STUCK_PAUSE_GUEST, QMPMIG_STUCK_CANCEL };
enum qmpmig_postcopy { QMPMIG_POSTCOPY_NEVER, QMPMIG_POSTCOPY_FALLBACK, QMPMIG_POSTCOPY_NOW };

/* Methods that both ends can do (`can`), or that an operator has chosen (`chosen`). */
enum {
    QMPMIG_CAN_POSTCOPY = 1 << 0,
    QMPMIG_CAN_PREEMPT = 1 << 1,
    QMPMIG_CAN_THROTTLE = 1 << 2,
    QMPMIG_CAN_DIRTY_LIMIT = 1 << 3,
    QMPMIG_CAN_XBZRLE = 1 << 4,
    QMPMIG_CAN_MULTIFD = 1 << 5,
    QMPMIG_CAN_ZLIB = 1 << 6,
    QMPMIG_CAN_ZSTD = 1 << 7,
    QMPMIG_CAN_SWITCHOVER_BANDWIDTH = 1 << 8,
};

/* Why postcopy is not possible, of what stands in its way. */
enum {
    QMPMIG_BLOCKER_DESTINATION = 1 << 0, /* it does not take page faults in user space */
    QMPMIG_BLOCKER_TRANSPORT = 1 << 1,   /* no way back over it */
    QMPMIG_BLOCKER_METHOD = 1 << 2,      /* something chosen excludes it */
    QMPMIG_BLOCKER_OPERATOR = 1 << 3,    /* --postcopy never */
};

/* Writers that no throttle holds back. */
enum {
    QMPMIG_WRITER_VHOST = 1 << 0,
    QMPMIG_WRITER_VFIO = 1 << 1,
    QMPMIG_WRITER_MIRROR = 1 << 2,
};

struct qmpmig_facts {
    uint64_t size;
    uint64_t can, chosen;
    uint64_t postcopy_blockers;
    uint64_t unthrottled_writers;
    uint64_t free_cpu_pct; /* of the source, in hundredths of one CPU */
    uint64_t link_bytes_per_s;
    uint64_t dirty_bytes_per_s;
    struct qmpmig_limits limits;
    struct qmpmig_curve curve;
};

enum qmpmig_throttle {
    QMPMIG_THROTTLE_NONE,
    QMPMIG_THROTTLE_STEERED,    /* armed; decide() says how much */
    QMPMIG_THROTTLE_RAMP,       /* QEMU's own auto-converge */
    QMPMIG_THROTTLE_DIRTY_LIMIT /* a quota for each vCPU */
};

enum {
    QMPMIG_PLAN_POSTCOPY = 1 << 0,
    QMPMIG_PLAN_PREEMPT = 1 << 1,
    QMPMIG_PLAN_THROTTLE = 1 << 2,
    QMPMIG_PLAN_RAMP = 1 << 3, /* initial, increment, max, tailslow, trigger */
    QMPMIG_PLAN_XBZRLE = 1 << 4,
    QMPMIG_PLAN_MULTIFD = 1 << 5,
    QMPMIG_PLAN_COMPRESSION = 1 << 6,
    QMPMIG_PLAN_DOWNTIME = 1 << 7,
    QMPMIG_PLAN_BANDWIDTH = 1 << 8,
};

enum qmpmig_compression {
    QMPMIG_COMPRESSION_NONE,
    QMPMIG_COMPRESSION_ZLIB,
    QMPMIG_COMPRESSION_ZSTD
};

/* What shall be armed. Comes with nothing set; what is not set, qmpmig decides. What the operator
 * chose or what cannot be done is left out, and said. */
struct qmpmig_plan {
    uint64_t size;
    uint64_t set;               /* QMPMIG_PLAN_ */
    uint64_t postcopy, preempt; /* 0 or 1 */
    uint64_t throttle;          /* enum qmpmig_throttle */
    uint64_t ramp_initial_pct, ramp_increment_pct, ramp_max_pct, ramp_tailslow, ramp_trigger_pct;
    uint64_t xbzrle_cache_bytes;             /* 0: no xbzrle */
    uint64_t multifd_channels;               /* 0: no multifd */
    uint64_t compression, compression_level; /* enum qmpmig_compression; 0: the method's own */
    uint64_t downtime_limit_us;
    uint64_t bandwidth_bytes_per_s; /* 0: unlimited */
    char reason[256];
};

/* Why decide() is asked. */
enum {
    QMPMIG_WHY_CLOCK = 1 << 0,
    QMPMIG_WHY_EVENT = 1 << 1,
    QMPMIG_WHY_PASS = 1 << 2, /* a true pass has ended */
    QMPMIG_WHY_SYNC = 1 << 3, /* QEMU has looked which pages are dirty */
    QMPMIG_WHY_STATUS = 1 << 4,
    QMPMIG_WHY_LIMITS = 1 << 5, /* the operator changed some */
    QMPMIG_WHY_EFFECT = 1 << 6, /* what was commanded is in force now */
    QMPMIG_WHY_FINISH = 1 << 7, /* the operator wants it finished */
};

/* Knobs that may be turned now. */
enum {
    QMPMIG_MAY_THROTTLE_UP = 1 << 0,
    QMPMIG_MAY_THROTTLE_DOWN = 1 << 1,
    QMPMIG_MAY_DOWNTIME = 1 << 2,
    QMPMIG_MAY_BANDWIDTH = 1 << 3,
    QMPMIG_MAY_SWITCHOVER_BANDWIDTH = 1 << 4,
    QMPMIG_MAY_POSTCOPY = 1 << 5,
    QMPMIG_MAY_PAUSE_GUEST = 1 << 6,
    QMPMIG_MAY_XBZRLE_CACHE = 1 << 7,
    QMPMIG_MAY_DIRTY_LIMIT = 1 << 8,
    QMPMIG_MAY_CANCEL = 1 << 9,
};

enum qmpmig_status {
    QMPMIG_STATUS_OTHER, /* one that this qmpmig does not know: it goes on */
    QMPMIG_STATUS_SETUP,
    QMPMIG_STATUS_ACTIVE,
    QMPMIG_STATUS_PRE_SWITCHOVER,
    QMPMIG_STATUS_DEVICE,
    QMPMIG_STATUS_POSTCOPY,
    QMPMIG_STATUS_POSTCOPY_PAUSED,
    QMPMIG_STATUS_ENDED,
};

enum qmpmig_run_state { QMPMIG_RUN_STATE_OTHER, QMPMIG_RUN_STATE_RUNNING, QMPMIG_RUN_STATE_PAUSED };

/* One look at the running migration. A sync is QEMU's look at which pages are dirty; a pass is
 * ours: as much was dealt with as remained when it began. */
struct qmpmig_sample {
    uint64_t size;
    /* when */
    uint64_t sequence, now_us, elapsed_us, since_sync_us, since_pass_us;
    uint64_t why; /* QMPMIG_WHY_ */
    /* state */
    uint32_t status, run_state;
    uint64_t guest_running; /* 0 or 1 */
    uint64_t syncs, passes;
    uint64_t first_pass_done; /* 0 or 1 */
    uint64_t may;             /* QMPMIG_MAY_ */
    /* memory, as QEMU counts */
    uint64_t total_bytes, remaining_bytes;
    uint64_t remaining_at_sync_bytes; /* right after the last sync */
    uint64_t dirtied_bytes;           /* between the last two syncs */
    uint64_t sent_bytes, precopy_bytes, postcopy_bytes, multifd_bytes;
    uint64_t normal_pages, zero_pages, page_size_bytes, pages_per_s;
    uint64_t dirty_bytes_per_s, bandwidth_bytes_per_s; /* as QEMU says */
    uint64_t expected_downtime_us, setup_us;
    /* in force */
    uint64_t throttle_pct, throttle_commanded_pct;
    uint64_t throttle_integral_us; /* guest time taken so far */
    uint64_t dirty_limit_bytes_per_s;
    uint64_t downtime_limit_us, bandwidth_limit_bytes_per_s;
    uint64_t postcopy_bandwidth_bytes_per_s, switchover_bandwidth_bytes_per_s;
    uint64_t xbzrle_cache_bytes;
    /* extras */
    uint64_t xbzrle_pages, xbzrle_bytes, xbzrle_misses, xbzrle_miss_ppm;
    uint64_t xbzrle_encoding_ppm; /* page to delta: 40 in 1 is 40000000 */
    uint64_t xbzrle_overflow;     /* pages whose delta was no shorter than the page */
    uint64_t postcopy_requests, postcopy_blocktime_us;
    uint64_t zero_copy_missed;
    uint64_t vfio_bytes, vfio_pending_bytes;
    uint64_t disks, disk_total_bytes, disk_remaining_bytes, disk_bytes_per_s, disks_ready;
    /* host */
    uint64_t vcpu_time_us, vcpu_time_possible_us; /* since the last sample, of all vCPUs */
    uint64_t others_on_link, link_share_pct;
    struct qmpmig_limits limits;
    /* estimates */
    uint64_t link_bytes_per_s, link_low_bytes_per_s; /* mean; low: one deviation less */
    uint64_t page_bytes;                             /* sent for a page, on average in this pass */
    uint64_t switchover_us;                          /* what the switch costs besides memory */
    uint64_t downtime_if_stopped_us;
    uint64_t remaining_after_pass_bytes; /* as one more pass would leave it */
    uint64_t workable_throttle_pct; /* smallest that makes passes shrink; above 99: none does */
    struct qmpmig_curve curve;
    uint64_t confidence_pct; /* in the curve */
};

/* What an advice changes. */
enum {
    QMPMIG_SET_THROTTLE = 1 << 0,
    QMPMIG_SET_DOWNTIME = 1 << 1,
    QMPMIG_SET_BANDWIDTH = 1 << 2,
    QMPMIG_SET_POSTCOPY_BANDWIDTH = 1 << 3,
    QMPMIG_SET_SWITCHOVER_BANDWIDTH = 1 << 4,
    QMPMIG_SET_XBZRLE_CACHE = 1 << 5,
    QMPMIG_SET_DIRTY_LIMIT = 1 << 6,
};

enum qmpmig_action {
    QMPMIG_ACTION_NONE,
    QMPMIG_ACTION_POSTCOPY,
    QMPMIG_ACTION_PAUSE_GUEST,
    QMPMIG_ACTION_CANCEL,
};

enum qmpmig_verdict {
    QMPMIG_VERDICT_UNKNOWN,
    QMPMIG_VERDICT_ON_COURSE,
    QMPMIG_VERDICT_NEEDS_ACTION,
    QMPMIG_VERDICT_CANNOT, /* within the limits */
};

enum {
    QMPMIG_NEEDS_DOWNTIME = 1 << 0,
    QMPMIG_NEEDS_BANDWIDTH = 1 << 1,
    QMPMIG_NEEDS_POSTCOPY = 1 << 2,
    QMPMIG_NEEDS_TIME = 1 << 3,
    QMPMIG_NEEDS_THROTTLE = 1 << 4,
};

/* Comes with nothing set and the forecast unknown. All that one advice sets goes to QEMU in one
 * command, cut to the limits. */
struct qmpmig_advice {
    uint64_t size;
    uint64_t set; /* QMPMIG_SET_; 0 is a value: no throttle, no limit */
    uint64_t throttle_pct;
    uint64_t downtime_limit_us;
    uint64_t bandwidth_bytes_per_s, postcopy_bandwidth_bytes_per_s;
    uint64_t switchover_bandwidth_bytes_per_s;
    uint64_t xbzrle_cache_bytes;
    uint64_t dirty_limit_bytes_per_s; /* for each vCPU */
    uint64_t action;                  /* enum qmpmig_action */
    uint64_t ask_again_us;            /* unknown: with the next sample */
    /* forecast */
    uint64_t verdict; /* enum qmpmig_verdict */
    uint64_t needs;   /* QMPMIG_NEEDS_ */
    uint64_t needed_downtime_us, needed_bandwidth_bytes_per_s, needed_throttle_pct;
    uint64_t remaining_us, remaining_p90_us; /* until the guest runs there */
    uint64_t blackout_us, blackout_p90_us;
    uint64_t work_lost_us; /* guest time, from the start to the end */
    /* words */
    uint64_t reason_code; /* the plugin's own, stable; 0: none */
    char reason[256];     /* UTF-8, 0 at its end */
};

/* The plugin itself: export one `const struct qmpmig_plugin qmpmig_plugin`. Callbacks that return
 * int say 0 for good and -1, after host->error(), for bad. Order: open, config for each key,
 * config_complete, plan, decide any number of times, close. None is called by two threads at once;
 * decide() comes from another thread than the others. */
struct qmpmig_plugin {
    uint64_t size;           /* sizeof (struct qmpmig_plugin) */
    uint64_t abi;            /* QMPMIG_ABI */
    const char *name;        /* lower case, digits, hyphen; as the file is called */
    const char *version;     /* the plugin's own */
    const char *description; /* one line */
    /* A line for each key: "key=DEFAULT  what it means". May be NULL, if there are none: config()
     * is not asked about others. */
    const char *config_help;
    /* A handle for one migration; NULL: cannot. The handle may be any other pointer. */
    void *(*open) (const struct qmpmig_context *context);
    /* May be NULL: no keys. Keys named like qmpmig's limits never come here, those set the limit:
     * max-downtime, max-stall, max-throttle, bandwidth, deadline, if-stuck, postcopy. */
    int (*config) (void *handle, const char *key, const char *value);
    int (*config_complete) (void *handle); /* may be NULL */
    /* Before the start, the only moment for capabilities. Not called for a migration that somebody
     * else started. May be NULL. */
    int (*plan) (void *handle, const struct qmpmig_facts *facts, struct qmpmig_plan *plan);
    /* Over 100 ms is reported; after 1 s the migration goes on without this policy. */
    int (*decide) (void *handle, const struct qmpmig_sample *sample, struct qmpmig_advice *advice);
    void (*close) (void *handle); /* may be NULL */
};

#if defined(__GNUC__)
#define QMPMIG_EXPORT __attribute__ ((visibility ("default")))
#else
#define QMPMIG_EXPORT
#endif

extern QMPMIG_EXPORT const struct qmpmig_plugin qmpmig_plugin;

#ifdef __cplusplus
}
#endif

#endif
