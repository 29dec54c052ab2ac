# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tells one QEMU from another, as the real ones answered (5.2.0, 7.2.22, 10.0.2, 11.1.2)."""

import functools
import gzip
import json
import os

from tests.lab.schema import FOLDER, Schema

VERSIONS = {
    "5.2": ((5, 2, 0), "Debian 1:5.2+dfsg-11+deb11u3"),
    "7.2": ((7, 2, 22), "Debian 1:7.2+dfsg-7+deb12u18+b3"),
    "10.0": ((10, 0, 2), "Debian 1:10.0.2+ds-2"),
    "11.1": ((11, 1, 2), "Debian 1:11.1.2+ds-3"),
}

# Defaults of query-migrate-parameters; block-bitmap-mapping is not shown while it is unset.
_PARAMETERS = {
    "announce-initial": 50, "announce-max": 550, "announce-rounds": 5, "announce-step": 100,
    "cpu-throttle-increment": 10, "cpu-throttle-initial": 20, "cpu-throttle-tailslow": False,
    "downtime-limit": 300, "max-bandwidth": 134217728, "max-cpu-throttle": 99, "max-postcopy-bandwidth": 0,
    "multifd-channels": 2, "multifd-compression": "none", "multifd-zlib-level": 1, "multifd-zstd-level": 1,
    "throttle-trigger-threshold": 50, "tls-authz": "", "tls-creds": "", "tls-hostname": "",
    "x-checkpoint-delay": 20000, "xbzrle-cache-size": 67108864,
}
_UP_TO_9_0 = {"block-incremental": False, "compress-level": 1, "compress-threads": 8,
              "compress-wait-thread": True, "decompress-threads": 2}
_SINCE_9 = {"avail-switchover-bandwidth": 0, "direct-io": False, "mode": "normal", "multifd-qatzip-level": 1,
            "vcpu-dirty-limit": 1, "x-vcpu-dirty-limit-period": 1000, "zero-page-detection": "multifd"}
_SINCE_11 = {"cpr-exec-command": [], "x-rdma-chunk-size": 1048576}

# Where numbers are bounded: (least, most).
BOUNDS = {
    "cpu-throttle-increment": (1, 99), "cpu-throttle-initial": (1, 99), "max-cpu-throttle": (1, 99),
    "downtime-limit": (0, 2000000), "multifd-channels": (1, 255), "throttle-trigger-threshold": (1, 100),
    "multifd-zlib-level": (0, 9), "multifd-zstd-level": (0, 20), "vcpu-dirty-limit": (1, 2 ** 63),
}

# Dirty limits, VFIO switchovers and remote memory are refused by a QEMU without KVM, ring and hardware.
_CONFLICTS = (
    # (first version, version from which it is allowed again, capability, with, QEMU's words)
    ((8, 0), (10, 1), "postcopy-ram", "multifd", "Postcopy is not yet compatible with multifd"),
    ((8, 0), None, "xbzrle", "multifd", "Multifd is not compatible with xbzrle"),
    ((0, 0), None, "postcopy-ram", "x-ignore-shared", "Postcopy is not compatible with ignore-shared"),
    ((9, 0), None, "postcopy-ram", "mapped-ram", "Mapped-ram migration is incompatible with postcopy"),
    ((9, 0), None, "xbzrle", "mapped-ram", "Mapped-ram migration is incompatible with xbzrle"),
    ((8, 1), None, "auto-converge", "dirty-limit", "dirty-limit conflicts with auto-converge either of then available currently"),
    ((6, 0), None, "background-snapshot", "postcopy-ram", "Background-snapshot is not compatible with postcopy-ram"),
    ((6, 0), None, "background-snapshot", "return-path", "Background-snapshot is not compatible with return-path"),
)
_NEEDS = (
    ("postcopy-preempt", "postcopy-ram", "Postcopy preempt requires postcopy-ram"),
    ("zero-copy-send", "multifd", "Zero copy only available for non-compressed non-TLS multifd migration"),
    ("switchover-ack", "return-path", "Capability 'switchover-ack' requires capability 'return-path'"),
)


class Facts:
    def __init__(self, key):
        self.key = key
        self.version, self.package = VERSIONS[key]
        self.schema = Schema(key)

    def at_least(self, *version):
        return self.version >= version

    def machine(self):
        return f"pc-q35-{self.version[0]}.{self.version[1]}"

    def greeting(self, oob=True):
        return {"QMP": {"version": self.query_version(), "capabilities": ["oob"] if oob else []}}

    def query_version(self):
        major, minor, micro = self.version
        return {"qemu": {"micro": micro, "minor": minor, "major": major}, "package": self.package}

    def capabilities(self):
        return dict.fromkeys(self.schema.capabilities(), False)

    def parameters(self):
        new = {**(_SINCE_9 if self.at_least(9) else _UP_TO_9_0), **(_SINCE_11 if self.at_least(11) else {})}
        return {**_PARAMETERS, **new}

    def refuse_capabilities(self, wanted):
        """QEMU's words against this set of capabilities, or None."""
        for since, until, one, other, text in _CONFLICTS:
            applies = self.at_least(*since) and not (until and self.at_least(*until))
            if applies and wanted.get(one) and wanted.get(other):
                return text
        for one, needed, text in _NEEDS:
            if wanted.get(one) and not wanted.get(needed):
                return text
        if wanted.get("dirty-limit"):
            return "dirty-limit requires KVM with accelerator property 'dirty-ring-size' set"
        return None

    def refuse_parameters(self, merged):
        for name, (least, most) in BOUNDS.items():
            if name in merged and not least <= merged[name] <= most:
                return f"Parameter '{name}' expects an integer in the range of {least} to {most}"
        if merged["max-cpu-throttle"] < merged["cpu-throttle-initial"]:
            return "Parameter 'max_cpu_throttle' expects an integer in the range of cpu_throttle_initial to 99"
        size = merged["xbzrle-cache-size"]
        if size < 4096 or size & (size - 1):
            return "Parameter 'xbzrle_cache_size' expects a power of two no less than the target page size"
        return None


@functools.cache
def raw_schema(key):
    """The return value of query-qmp-schema."""
    with gzip.open(os.path.join(FOLDER, f"{key}.json.gz"), "rt", encoding="utf-8") as file:
        return json.load(file)["schema"]
