# SPDX-License-Identifier: Apache-2.0
"""What can keep tasks off CPUs: the cgroup hierarchy and its cpusets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.facts.slices import CgroupMode
from kvmrt_plan.hostchecks.check import (
    NO_RT,
    Check,
    failed,
    passed,
    skipped,
    warned,
)

if TYPE_CHECKING:
    from kvmrt_plan.hostchecks.check import HostView, Outcome

_ROOT = "/sys/fs/cgroup"
#: Slices of systemd's own, which kvmrt narrows.
_USUAL = frozenset({"init.scope", "system.slice", "user.slice", "machine.slice"})


def mode(view: HostView) -> Outcome:
    """Which hierarchy has the cpuset controller."""
    slices = view.facts.slices
    if slices.shield is not None:
        return passed("RedHawk's shield")
    if slices.mode is CgroupMode.UNIFIED:
        controllers = (view.word(f"{_ROOT}/cgroup.controllers") or "").split()
        if "cpuset" in controllers:
            return passed("v2 with cpuset")
        return failed("v2 without cpuset", "v2 with cpuset", "boot a kernel with CONFIG_CPUSETS")
    if slices.mode is CgroupMode.LEGACY:
        return warned("v1", "v2")
    return failed("no cpusets", "cgroup v2 with cpuset")


def kept_by_systemd(view: HostView) -> Outcome:
    """Without an owner systemd switches the controller off again."""
    if view.facts.slices.mode is not CgroupMode.UNIFIED:
        return skipped("only of cgroup v2")
    enabled = (view.word(f"{_ROOT}/cgroup.subtree_control") or "").split()
    if "cpuset" in enabled:
        return passed("cpuset is enabled below the root")
    if view.facts.slices.has_systemd:
        return passed("not enabled yet; systemd does it when kvmrt sets AllowedCPUs=")
    return warned("cpuset is not enabled below the root", "cpuset in cgroup.subtree_control")


def partitions(view: HostView) -> Outcome:
    """The strongest shield of stock kernels."""
    if view.facts.slices.mode is not CgroupMode.UNIFIED:
        return skipped("only of cgroup v2")
    slices = view.facts.slices.slices
    if not any(one.effective is not None for one in slices):
        return skipped("no cgroup has the cpuset controller yet")
    if view.snapshot.read(f"{_ROOT}/cpuset.cpus.isolated") is not None:
        return passed("isolated partitions, which unbound workqueues avoid too")
    if any(one.partition for one in slices):
        return passed("partitions")
    return warned("no cpuset.cpus.partition", "cpuset partitions")


def existing_partitions(view: HostView) -> Outcome:
    """Partitions that others made, or that the kernel has declared invalid."""
    if view.facts.slices.mode is not CgroupMode.UNIFIED:
        return skipped("only of cgroup v2")
    broken = [
        f"{one.name} ({one.partition})"
        for one in view.facts.slices.slices
        if "invalid" in one.partition
    ]
    if broken:
        return warned(", ".join(broken), "no invalid partition")
    isolated = [one.name for one in view.facts.slices.slices if one.partition == "isolated"]
    return passed(f"isolated: {', '.join(isolated)}" if isolated else "none")


def foreign_slices(view: HostView) -> Outcome:
    """Containers bring cpusets of their own."""
    if not view.rt_cpus:
        return NO_RT
    found = [
        f"{one.name} {cpus & view.rt_cpus}"
        for one in view.facts.slices.slices
        if one.name not in _USUAL and (cpus := one.allowed or one.effective) and cpus & view.rt_cpus
    ]
    if found:
        return warned(", ".join(found), "no CPU of real-time VMs")
    return passed("none has CPUs of real-time VMs")


CHECKS = (
    Check(
        number=8, title="cgroups", run=mode,
        why="Tasks are kept off CPUs by cpusets; in v1 a CPU that was offline is lost to all of them.",
        remedy="boot with systemd.unified_cgroup_hierarchy=1",
    ),
    Check(
        number=9, title="The cpuset controller is in use", run=kept_by_systemd,
        why="systemd switches off a controller that no unit asks for, and with it every cpuset.",
        remedy="set AllowedCPUs= on a unit: `systemctl set-property system.slice AllowedCPUs=LIST`",
    ),
    Check(
        number=10, title="cpuset partitions", run=partitions,
        why="An isolated partition also moves kernel threads and stops load balancing.",
        remedy="none is needed: AllowedCPUs= of the slices does with less; a kernel from 6.1 has partitions",
    ),
    Check(
        number=11, title="Partitions that exist", run=existing_partitions,
        why="An invalid partition isolates nothing, and one of another owner takes CPUs away.",
        remedy="stop the service behind it, or write `member` to its cpuset.cpus.partition",
    ),
    Check(
        number=46, title="Slices of containers and others", run=foreign_slices,
        why="A top-level cgroup that kvmrt does not narrow goes on using the CPUs.",
        remedy="systemctl set-property --runtime NAME AllowedCPUs=LIST, with the housekeeping CPUs",
    ),
)  # fmt: skip
