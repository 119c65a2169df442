# SPDX-License-Identifier: Apache-2.0
"""What only RedHawk has: its shield, and boot arguments of its kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.hostchecks.check import Check, failed, passed, skipped, warned
from kvmrt_plan.values.cpuset import CpuListError, CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.hostchecks.check import HostView, Outcome

_NOT_HERE = skipped("not a RedHawk kernel")
_GUEST_SERVICES = "kvmrt_gs_hc_host_enabled"


def shield(view: HostView) -> Outcome:
    """Whether it can be read, and whether it holds CPUs for nobody."""
    if not view.facts.kernel.is_redhawk:
        return _NOT_HERE
    present = view.facts.slices.shield
    if present is None:
        return failed("no /proc/shield", "/proc/shield")
    cpus = present.processes | present.irqs | present.local_timers
    if cpus and not view.facts.holders:
        return warned(f"CPUs {cpus} are shielded, and not for a VM", "no shield while no VM runs")
    return passed(f"CPUs {cpus} are shielded" if cpus else "nothing is shielded")


def worker_priority(view: HostView) -> Outcome:
    """KVM-RT requires it."""
    if not view.facts.kernel.is_redhawk:
        return _NOT_HERE
    present = view.arguments.get("workqueue.pri")
    if present == "3":
        return passed("workqueue.pri=3")
    shown = "absent" if present is None else f"workqueue.pri={present}"
    return failed(shown, "workqueue.pri=3")


def msi_affinity(view: HostView) -> Outcome:
    """msi_affinity_mask and irqaffinity, with the same list and CPU 0 in it."""
    if not view.facts.kernel.is_redhawk:
        return _NOT_HERE
    values = {name: view.arguments.get(name) for name in ("msi_affinity_mask", "irqaffinity")}
    if not any(values.values()):
        return warned("neither is set", "both, with the housekeeping CPUs")
    try:
        masks = {
            name: CpuSet.parse_kernel((value or "").strip("[]")) for name, value in values.items()
        }
    except CpuListError as error:
        return failed(f"a list that cannot be read: {error}", "lists such as 0-3")
    shown = ", ".join(f"{name}={value or 'absent'}" for name, value in values.items())
    msi, irqs = masks.values()
    if msi != irqs:
        return failed(shown, "the same list in both")
    if 0 not in msi:
        return failed(shown, "a list with CPU 0 in it")
    hit = msi & view.rt_cpus
    return warned(shown, f"without CPUs {hit} of real-time VMs") if hit else passed(shown)


def guest_services(view: HostView) -> Outcome:
    """Off unless wanted."""
    word = view.word(f"/sys/module/kvm/parameters/{_GUEST_SERVICES}")
    argument = view.arguments.get(f"kvm.{_GUEST_SERVICES}")
    if word is None and argument is None:
        return skipped("the kernel has none")
    is_on = (word or argument or "0") in ("1", "Y")
    return passed("on" if is_on else f"off (kvm.{_GUEST_SERVICES}=1 switches them on)")


CHECKS = (
    Check(
        number=47, title="RedHawk's shield", run=shield,
        why="A shield that was left behind takes CPUs from the host; without one nothing is shielded.",
        remedy="shield -r (releases all); boot the RedHawk kernel when /proc/shield is missing",
    ),
    Check(
        number=51, title="RedHawk's kernel workers", run=worker_priority,
        why="Kernel workers must run above real-time guests, so that the host keeps control.",
        remedy="add workqueue.pri=3 to the command line (blscfg on RedHawk 8, ccur-grub2 on 7 and Ubuntu), "
        "then reboot",
    ),
    Check(
        number=52, title="RedHawk's managed interrupts", run=msi_affinity,
        why="Managed interrupts can be kept away at boot only; the kernel takes the list from both "
        "arguments, and CPU 0 must be in it.",
        remedy="msi_affinity_mask=LIST irqaffinity=LIST on the command line, then reboot",
    ),
    Check(
        number=53, title="RedHawk's guest services", run=guest_services,
        why="Guests may log and trace through the host only where both sides allow it.",
        remedy="none is needed",
    ),
)  # fmt: skip
