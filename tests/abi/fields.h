/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every field of every struct of qmpmig-plugin.h, in their order. abi-table.c proves the list
 * complete: without padding, a field that is missing here is a gap. */
#pragma once

/* clang-format off */
#define QMPMIG_HOST_FIELDS(F) \
    F (qmpmig_host, size) F (qmpmig_host, log) F (qmpmig_host, error) \
    F (qmpmig_host, parse_uint) F (qmpmig_host, parse_bool) F (qmpmig_host, parse_percent) \
    F (qmpmig_host, parse_time) F (qmpmig_host, parse_size) F (qmpmig_host, parse_rate)

#define QMPMIG_CONTEXT_FIELDS(F) \
    F (qmpmig_context, size) F (qmpmig_context, host) F (qmpmig_context, host_data) \
    F (qmpmig_context, vm_name) F (qmpmig_context, vm_uuid) F (qmpmig_context, accelerator) \
    F (qmpmig_context, qemu_major) F (qmpmig_context, qemu_minor) F (qmpmig_context, qemu_micro) \
    F (qmpmig_context, kind) F (qmpmig_context, ram_bytes) F (qmpmig_context, vcpus) \
    F (qmpmig_context, page_size_bytes) F (qmpmig_context, seed)

#define QMPMIG_CURVE_FIELDS(F) \
    F (qmpmig_curve, time_us) F (qmpmig_curve, bytes)

#define QMPMIG_LIMITS_FIELDS(F) \
    F (qmpmig_limits, max_downtime_us) F (qmpmig_limits, max_stall_us) \
    F (qmpmig_limits, deadline_left_us) F (qmpmig_limits, abort_left_us) \
    F (qmpmig_limits, max_throttle_pct) F (qmpmig_limits, max_bandwidth_bytes_per_s) \
    F (qmpmig_limits, if_stuck) F (qmpmig_limits, postcopy)

#define QMPMIG_FACTS_FIELDS(F) \
    F (qmpmig_facts, size) F (qmpmig_facts, can) F (qmpmig_facts, chosen) \
    F (qmpmig_facts, postcopy_blockers) F (qmpmig_facts, unthrottled_writers) \
    F (qmpmig_facts, free_cpu_pct) F (qmpmig_facts, link_bytes_per_s) \
    F (qmpmig_facts, dirty_bytes_per_s) F (qmpmig_facts, limits) F (qmpmig_facts, curve)

#define QMPMIG_PLAN_FIELDS(F) \
    F (qmpmig_plan, size) F (qmpmig_plan, set) F (qmpmig_plan, postcopy) \
    F (qmpmig_plan, preempt) F (qmpmig_plan, throttle) F (qmpmig_plan, ramp_initial_pct) \
    F (qmpmig_plan, ramp_increment_pct) F (qmpmig_plan, ramp_max_pct) \
    F (qmpmig_plan, ramp_tailslow) F (qmpmig_plan, ramp_trigger_pct) \
    F (qmpmig_plan, xbzrle_cache_bytes) F (qmpmig_plan, multifd_channels) \
    F (qmpmig_plan, compression) F (qmpmig_plan, compression_level) \
    F (qmpmig_plan, downtime_limit_us) F (qmpmig_plan, bandwidth_bytes_per_s) \
    F (qmpmig_plan, reason)

#define QMPMIG_SAMPLE_FIELDS(F) \
    F (qmpmig_sample, size) F (qmpmig_sample, sequence) F (qmpmig_sample, now_us) \
    F (qmpmig_sample, elapsed_us) F (qmpmig_sample, since_sync_us) \
    F (qmpmig_sample, since_pass_us) F (qmpmig_sample, why) F (qmpmig_sample, status) \
    F (qmpmig_sample, run_state) F (qmpmig_sample, guest_running) F (qmpmig_sample, syncs) \
    F (qmpmig_sample, passes) F (qmpmig_sample, first_pass_done) F (qmpmig_sample, may) \
    F (qmpmig_sample, total_bytes) F (qmpmig_sample, remaining_bytes) \
    F (qmpmig_sample, remaining_at_sync_bytes) F (qmpmig_sample, dirtied_bytes) \
    F (qmpmig_sample, sent_bytes) F (qmpmig_sample, precopy_bytes) \
    F (qmpmig_sample, postcopy_bytes) F (qmpmig_sample, multifd_bytes) \
    F (qmpmig_sample, normal_pages) F (qmpmig_sample, zero_pages) \
    F (qmpmig_sample, page_size_bytes) F (qmpmig_sample, pages_per_s) \
    F (qmpmig_sample, dirty_bytes_per_s) F (qmpmig_sample, bandwidth_bytes_per_s) \
    F (qmpmig_sample, expected_downtime_us) F (qmpmig_sample, setup_us) \
    F (qmpmig_sample, throttle_pct) F (qmpmig_sample, throttle_commanded_pct) \
    F (qmpmig_sample, throttle_integral_us) F (qmpmig_sample, dirty_limit_bytes_per_s) \
    F (qmpmig_sample, downtime_limit_us) F (qmpmig_sample, bandwidth_limit_bytes_per_s) \
    F (qmpmig_sample, postcopy_bandwidth_bytes_per_s) \
    F (qmpmig_sample, switchover_bandwidth_bytes_per_s) F (qmpmig_sample, xbzrle_cache_bytes) \
    F (qmpmig_sample, xbzrle_pages) F (qmpmig_sample, xbzrle_bytes) \
    F (qmpmig_sample, xbzrle_misses) F (qmpmig_sample, xbzrle_miss_ppm) \
    F (qmpmig_sample, xbzrle_encoding_ppm) F (qmpmig_sample, xbzrle_overflow) \
    F (qmpmig_sample, postcopy_requests) F (qmpmig_sample, postcopy_blocktime_us) \
    F (qmpmig_sample, zero_copy_missed) F (qmpmig_sample, vfio_bytes) \
    F (qmpmig_sample, vfio_pending_bytes) F (qmpmig_sample, disks) \
    F (qmpmig_sample, disk_total_bytes) F (qmpmig_sample, disk_remaining_bytes) \
    F (qmpmig_sample, disk_bytes_per_s) F (qmpmig_sample, disks_ready) \
    F (qmpmig_sample, vcpu_time_us) F (qmpmig_sample, vcpu_time_possible_us) \
    F (qmpmig_sample, others_on_link) F (qmpmig_sample, link_share_pct) \
    F (qmpmig_sample, limits) F (qmpmig_sample, link_bytes_per_s) \
    F (qmpmig_sample, link_low_bytes_per_s) F (qmpmig_sample, page_bytes) \
    F (qmpmig_sample, switchover_us) F (qmpmig_sample, downtime_if_stopped_us) \
    F (qmpmig_sample, remaining_after_pass_bytes) F (qmpmig_sample, workable_throttle_pct) \
    F (qmpmig_sample, curve) F (qmpmig_sample, confidence_pct)

#define QMPMIG_ADVICE_FIELDS(F) \
    F (qmpmig_advice, size) F (qmpmig_advice, set) F (qmpmig_advice, throttle_pct) \
    F (qmpmig_advice, downtime_limit_us) F (qmpmig_advice, bandwidth_bytes_per_s) \
    F (qmpmig_advice, postcopy_bandwidth_bytes_per_s) \
    F (qmpmig_advice, switchover_bandwidth_bytes_per_s) F (qmpmig_advice, xbzrle_cache_bytes) \
    F (qmpmig_advice, dirty_limit_bytes_per_s) F (qmpmig_advice, action) \
    F (qmpmig_advice, ask_again_us) F (qmpmig_advice, verdict) F (qmpmig_advice, needs) \
    F (qmpmig_advice, needed_downtime_us) F (qmpmig_advice, needed_bandwidth_bytes_per_s) \
    F (qmpmig_advice, needed_throttle_pct) F (qmpmig_advice, remaining_us) \
    F (qmpmig_advice, remaining_p90_us) F (qmpmig_advice, blackout_us) \
    F (qmpmig_advice, blackout_p90_us) F (qmpmig_advice, work_lost_us) \
    F (qmpmig_advice, reason_code) F (qmpmig_advice, reason)

#define QMPMIG_PLUGIN_FIELDS(F) \
    F (qmpmig_plugin, size) F (qmpmig_plugin, abi) F (qmpmig_plugin, name) \
    F (qmpmig_plugin, version) F (qmpmig_plugin, description) F (qmpmig_plugin, config_help) \
    F (qmpmig_plugin, open) F (qmpmig_plugin, config) F (qmpmig_plugin, config_complete) \
    F (qmpmig_plugin, plan) F (qmpmig_plugin, decide) F (qmpmig_plugin, close)

#define ALL_FIELDS(F) \
    QMPMIG_HOST_FIELDS (F) \
    QMPMIG_CONTEXT_FIELDS (F) \
    QMPMIG_CURVE_FIELDS (F) \
    QMPMIG_LIMITS_FIELDS (F) \
    QMPMIG_FACTS_FIELDS (F) \
    QMPMIG_PLAN_FIELDS (F) \
    QMPMIG_SAMPLE_FIELDS (F) \
    QMPMIG_ADVICE_FIELDS (F) \
    QMPMIG_PLUGIN_FIELDS (F)

#define ALL_STRUCTS(S) \
    S (qmpmig_host) \
    S (qmpmig_context) \
    S (qmpmig_curve) \
    S (qmpmig_limits) \
    S (qmpmig_facts) \
    S (qmpmig_plan) \
    S (qmpmig_sample) \
    S (qmpmig_advice) \
    S (qmpmig_plugin)
/* clang-format on */
