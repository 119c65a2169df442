# SPDX-License-Identifier: Apache-2.0
"""Interrupts and kernel work that may come to the CPUs of real-time VMs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.hostchecks.check import NO_RT, Check, passed, skipped, warned
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.hostchecks.check import HostView, Outcome


def irqbalance(view: HostView) -> Outcome:
    """Whether it runs, and which CPUs it leaves alone."""
    service = view.facts.services.irqbalance
    if not service.is_running:
        return passed("does not run")
    banned = service.banned or EMPTY
    present = f"runs, leaves CPUs {banned} alone" if banned else "runs on all CPUs"
    if view.rt_cpus and view.rt_cpus <= banned:
        return passed(present)
    file = service.file or "/etc/default/irqbalance"
    wanted = f"off, or {view.rt_cpus} banned" if view.rt_cpus else "off, or CPUs of VMs banned"
    return warned(
        present,
        wanted,
        f"IRQBALANCE_BANNED_CPULIST={view.rt_cpus or 'LIST'} in {file}, then "
        "`systemctl try-restart irqbalance`; or `systemctl disable --now irqbalance`",
    )


def interrupts(view: HostView) -> Outcome:
    """Where interrupts go, the managed ones among them."""
    if not view.rt_cpus:
        return NO_RT
    if not view.facts.irqs:
        return skipped("no interrupts are known")
    hit = [one for one in view.facts.irqs.values() if (one.effective or EMPTY) & view.rt_cpus]
    managed = CpuSet(one.number for one in hit if one.is_managed)
    movable = CpuSet(one.number for one in hit if not one.is_managed)
    if not hit:
        return passed("none goes there")
    present = ", ".join(
        f"{what} {numbers}"
        for what, numbers in (("movable", movable), ("managed", managed))
        if numbers
    )
    return warned(present, f"none on CPUs {view.rt_cpus}")


def default_affinity(view: HostView) -> Outcome:
    """Of interrupts that are requested from now on."""
    present = view.facts.default_irq_affinity
    if present is None:
        return skipped("the kernel has none")
    if not view.rt_cpus:
        return NO_RT
    if present & view.rt_cpus:
        return warned(str(present), str(present - view.rt_cpus))
    return passed(str(present))


def workqueues(view: HostView) -> Outcome:
    """Unbound kernel work."""
    if not view.rt_cpus:
        return NO_RT
    masks = view.facts.workqueue.masks
    if not masks:
        return skipped("the kernel shows no masks")
    hit = [f"{path} {mask}" for path, mask in masks if mask & view.rt_cpus]
    if hit:
        return warned(", ".join(hit), f"without CPUs {view.rt_cpus}")
    return passed(str(masks[0][1]))


CHECKS = (
    Check(
        number=21, title="irqbalance", run=irqbalance,
        why="It moves interrupts back to CPUs from which they were moved.",
        remedy="systemctl disable --now irqbalance",
    ),
    Check(
        number=22, title="Interrupts on real-time CPUs", run=interrupts,
        why="Each takes the CPU away from its guest; the kernel spreads managed ones by itself and lets "
        "nobody move them.",
        remedy="kvmrt moves those that can be moved; for managed ones isolcpus=managed_irq,LIST or fewer "
        "queues",
    ),
    Check(
        number=23, title="Affinity of new interrupts", run=default_affinity,
        why="A driver that starts later asks for its interrupts on these CPUs.",
        remedy="kvmrt narrows it while VMs run; irqaffinity=LIST does at boot",
    ),
    Check(
        number=24, title="Unbound kernel work", run=workqueues,
        why="Workqueues without a CPU of their own run wherever their mask lets them.",
        remedy="kvmrt narrows it while VMs run; workqueue.unbound_cpus=LIST does at boot",
    ),
)  # fmt: skip
