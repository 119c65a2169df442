# SPDX-License-Identifier: Apache-2.0
"""What confines tasks to CPUs: cgroup slices, and RedHawk's shield."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from kvmrt_plan.errors import FactError
from kvmrt_plan.facts.cpusets import EVERYWHERE, parse_cpusets, parse_task_place
from kvmrt_plan.facts.reading import read_cpulist, read_word
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from kvmrt_plan.facts.snapshot import Snapshot

CGROUP_FOLDER = "/sys/fs/cgroup"
SHIELD_FOLDER = "/proc/shield"
#: libvirt's guests run here unless their definition says otherwise.
GUESTS = "machine.slice"
#: Words of cpuset.cpus.partition: no partition, and one without load balancing.
MEMBER, ISOLATED = "member", "isolated"


class CgroupMode(StrEnum):
    """Which cgroup hierarchy carries the cpuset controller."""

    UNIFIED = "v2"
    LEGACY = "v1"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A top-level cgroup of the unified hierarchy (`system.slice`, `init.scope`)."""

    name: str
    #: cpuset.cpus; None when not set or the controller is off here: no restriction of its own.
    allowed: CpuSet | None
    #: cpuset.cpus.effective; None when the controller is off here.
    effective: CpuSet | None
    #: cpuset.mems and cpuset.mems.effective, in the same way: NUMA nodes of its memory.
    nodes: CpuSet | None = None
    effective_nodes: CpuSet | None = None
    #: cpuset.cpus.partition (`member`, `isolated`, `isolated invalid (...)`), "" when absent.
    partition: str = ""

    @property
    def is_of_a_vm(self) -> bool:
        """Whether kvmrt made it for a VM: by its name."""
        return _VM_SLICE.fullmatch(self.name) is not None


def vm_slice(uuid: UUID) -> str:
    """The slice of a VM: of its UUID alone, so that a rename does not touch it. A `-` would nest it."""
    return f"kvmrt{uuid.hex}.slice"


_VM_SLICE = re.compile(r"kvmrt[0-9a-f]{32}\.slice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shield:
    """RedHawk's /proc/shield: CPUs kept free of tasks, interrupts and the local timer."""

    processes: CpuSet
    irqs: CpuSet
    local_timers: CpuSet
    #: What /proc/shield/mems says; "" where there is none. Its notation is not public.
    memory: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """The cgroup mode, the top-level slices by name, and the shield where the kernel has one."""

    mode: CgroupMode
    has_systemd: bool
    slices: tuple[Slice, ...]
    shield: Shield | None
    #: What the root's cgroup may use: the online CPUs that no partition has. None when not known.
    effective: CpuSet | None = None
    #: NUMA nodes with memory, by the root's cgroup. None when not known.
    nodes: CpuSet | None = None
    #: Whether the kernel knows isolated partitions and systemd may use them.
    has_partitions: bool = False
    #: CPUs of the cpusets of cgroup v1 by path, and where the host's tasks are among them.
    cpusets: Mapping[str, CpuSet] = field(default_factory=dict)
    task_place: str = EVERYWHERE

    def left_to_the_root(self, online: CpuSet) -> CpuSet:
        """What partitions leave to everybody else."""
        return online & (self.effective or online)

    def open_to_guests(self, online: CpuSet) -> CpuSet:
        """Where a guest that is bound to nothing may run: what the root has, within machine.slice."""
        everywhere = self.left_to_the_root(online)
        guests = self.by_name.get(GUESTS)
        return everywhere & (guests.allowed or everywhere) if guests else everywhere

    @property
    def by_name(self) -> dict[str, Slice]:
        """The top-level cgroups by name."""
        return {one.name: one for one in self.slices}


def parse_slices(snapshot: Snapshot) -> Slices:
    """The cgroup mode, top-level slices of the unified hierarchy, and RedHawk's shield.

    A hybrid host (systemd's `unified` beside the old hierarchies) counts as v1: there the cpuset
    controller lies in the old one.

    Raises:
        FactError: a list of CPUs is none.
    """
    mode = _mode(snapshot)
    names = snapshot.entries(CGROUP_FOLDER) if mode is CgroupMode.UNIFIED else ()
    found = (_parse_slice(snapshot, name) for name in names)
    return Slices(
        mode=mode,
        has_systemd=_has_systemd(snapshot),
        slices=tuple(one for one in found if one is not None),
        shield=_parse_shield(snapshot),
        effective=read_cpulist(snapshot, f"{CGROUP_FOLDER}/cpuset.cpus.effective"),
        nodes=read_cpulist(snapshot, f"{CGROUP_FOLDER}/cpuset.mems.effective"),
        has_partitions=mode is CgroupMode.UNIFIED and _has_partitions(snapshot),
        cpusets=parse_cpusets(snapshot) if mode is CgroupMode.LEGACY else {},
        task_place=parse_task_place(snapshot),
    )


def _has_partitions(snapshot: Snapshot) -> bool:
    # No file tells before 6.8 (cpuset.cpus.isolated) that the word `isolated` is known, which came one
    # release after the feature `favordynmods`. Where it is not, its write is refused (EINVAL).
    controllers = read_word(snapshot, f"{CGROUP_FOLDER}/cgroup.controllers") or ""
    features = read_word(snapshot, "/sys/kernel/cgroup/features") or ""
    is_known = "favordynmods" in features.split()
    is_newer = f"{CGROUP_FOLDER}/cpuset.cpus.isolated" in snapshot.files
    return "cpuset" in controllers.split() and (is_known or is_newer)


def _mode(snapshot: Snapshot) -> CgroupMode:
    # cgroup.controllers lies in the root of the unified hierarchy only (admin-guide/cgroup-v2.rst).
    if f"{CGROUP_FOLDER}/cgroup.controllers" in snapshot.files:
        return CgroupMode.UNIFIED
    has_legacy = bool(snapshot.entries(f"{CGROUP_FOLDER}/cpuset"))
    return CgroupMode.LEGACY if has_legacy else CgroupMode.NONE


def _has_systemd(snapshot: Snapshot) -> bool:
    # sd_booted(3): the folder exists where systemd is the init system.
    is_booted = "system" in snapshot.entries("/run/systemd")
    return is_booted or read_word(snapshot, "/proc/1/comm") == "systemd"


def _parse_slice(snapshot: Snapshot, name: str) -> Slice | None:
    folder = f"{CGROUP_FOLDER}/{name}"
    allowed = read_cpulist(snapshot, f"{folder}/cpuset.cpus")
    effective = read_cpulist(snapshot, f"{folder}/cpuset.cpus.effective")
    if allowed is None and effective is None and not name.endswith((".slice", ".scope")):
        return None
    return Slice(
        name=name,
        # An empty cpuset.cpus means: whatever the parent has.
        allowed=allowed or None,
        effective=effective,
        nodes=read_cpulist(snapshot, f"{folder}/cpuset.mems") or None,
        effective_nodes=read_cpulist(snapshot, f"{folder}/cpuset.mems.effective"),
        partition=read_word(snapshot, f"{folder}/cpuset.cpus.partition") or "",
    )


def _parse_shield(snapshot: Snapshot) -> Shield | None:
    if not snapshot.entries(SHIELD_FOLDER):
        return None
    return Shield(
        processes=_shielded(snapshot, "procs"),
        irqs=_shielded(snapshot, "irqs"),
        local_timers=_shielded(snapshot, "ltmrs"),
        memory=read_word(snapshot, f"{SHIELD_FOLDER}/mems") or "",
    )


def _shielded(snapshot: Snapshot, name: str) -> CpuSet:
    """A mask as the kernel prints one (`0`, `00000000,000000f0`), or else a cpulist."""
    path = f"{SHIELD_FOLDER}/{name}"
    word = (read_word(snapshot, path) or "").removeprefix("0x")
    try:
        return CpuSet.parse_mask(word) if _looks_like_mask(word) else CpuSet.parse_kernel(word)
    except ValueError as error:
        raise FactError(path, f"neither a CPU mask nor a list of CPUs: {error}") from error


def _looks_like_mask(word: str) -> bool:
    # Groups after the first are always 8 digits wide, so that `0,2` can only be a list.
    first, *others = word.split(",")
    is_hex = bool(first) and all(letter in "0123456789abcdefABCDEF" for letter in first)
    return is_hex and all(len(group) == 8 for group in others)
