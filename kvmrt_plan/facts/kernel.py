# SPDX-License-Identifier: Apache-2.0
"""The running kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.facts.reading import read_cpulist, read_word
from kvmrt_plan.values.cpuset import EMPTY

if TYPE_CHECKING:
    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.values.cpuset import CpuSet

_CPU_FOLDER = "/sys/devices/system/cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """Release, real-time preemption, command line, and the CPUs that were isolated at boot."""

    release: str
    version: str
    is_realtime: bool
    is_redhawk: bool
    command_line: str
    #: /sys/devices/system/cpu/isolated and nohz_full.
    isolated: CpuSet
    nohz_full: CpuSet
    boot_id: str


def parse_kernel(snapshot: Snapshot) -> Kernel:
    """The running kernel. What a snapshot does not hold is "" or empty.

    Raises:
        FactError: a list of CPUs is none.
    """
    release = read_word(snapshot, "/proc/sys/kernel/osrelease") or ""
    version = read_word(snapshot, "/proc/sys/kernel/version") or ""
    banner = read_word(snapshot, "/proc/version") or ""
    return Kernel(
        release=release or _release_of(banner),
        version=version or banner,
        is_realtime=_is_realtime(snapshot, f"{version} {banner}"),
        is_redhawk="redhawk" in release.lower() or bool(snapshot.entries("/proc/shield")),
        command_line=read_word(snapshot, "/proc/cmdline") or "",
        isolated=read_cpulist(snapshot, f"{_CPU_FOLDER}/isolated") or EMPTY,
        nohz_full=read_cpulist(snapshot, f"{_CPU_FOLDER}/nohz_full") or EMPTY,
        boot_id=read_word(snapshot, "/proc/sys/kernel/random/boot_id") or "",
    )


def _release_of(banner: str) -> str:
    """The third word of `Linux version 6.1.0-rt (gcc ...) #1 SMP PREEMPT_RT`."""
    words = banner.split(maxsplit=3)
    return words[2] if words[:2] == ["Linux", "version"] and len(words) > 2 else ""


def _is_realtime(snapshot: Snapshot, versions: str) -> bool:
    # /sys/kernel/realtime is part of the PREEMPT_RT patches and not of every distribution's kernel;
    # the version text names the preemption model in all of them (init/Makefile, UTS_VERSION).
    return read_word(snapshot, "/sys/kernel/realtime") == "1" or "PREEMPT_RT" in versions
