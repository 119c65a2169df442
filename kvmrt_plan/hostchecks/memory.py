# SPDX-License-Identifier: Apache-2.0
"""Memory management that moves pages, and cache allocation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.hostchecks.check import Check, failed, passed, skipped, warned

if TYPE_CHECKING:
    from kvmrt_plan.hostchecks.check import HostView, Outcome


def movers(view: HostView) -> Outcome:
    """A file that is missing is a feature that the kernel does not have."""
    found, remedies = [], []
    huge = view.word("/sys/kernel/mm/transparent_hugepage/enabled") or ""
    if "[always]" in huge:
        found.append("transparent huge pages always")
        remedies.append("echo madvise > /sys/kernel/mm/transparent_hugepage/enabled")
    if view.word("/sys/kernel/mm/ksm/run") == "1":
        found.append("KSM runs")
        remedies.append("echo 2 > /sys/kernel/mm/ksm/run")
    if (view.word("/proc/sys/kernel/numa_balancing") or "0") != "0":
        found.append("NUMA balancing")
        remedies.append("sysctl kernel.numa_balancing=0")
    areas = (view.snapshot.read("/proc/swaps") or "").splitlines()[1:]
    if areas:
        found.append(f"{len(areas)} swap area{'s' * (len(areas) != 1)}")
        remedies.append("swapoff -a, or lock the memory of every VM that matters")
    if found:
        return warned(", ".join(found), "off", "; ".join(remedies))
    if not huge and not view.has("/proc/swaps"):
        return skipped("not captured")
    return passed("nothing moves pages")


def cache_allocation(view: HostView) -> Outcome:
    """Only where a domain asks for it."""
    asking = [
        name
        for name, root in view.definitions()
        if root.find("cputune/cachetune") is not None or root.find("cputune/memorytune") is not None
    ]
    if not asking:
        return skipped("no domain asks for it")
    is_mounted = view.snapshot.read("/sys/fs/resctrl/schemata") is not None
    if is_mounted or " resctrl " in (view.snapshot.read("/proc/mounts") or ""):
        return passed("resctrl is mounted")
    return failed(f"not mounted, but {', '.join(asking)} ask for it", "resctrl mounted")


CHECKS = (
    Check(
        number=33, title="Memory that moves", run=movers,
        why="Pages that are merged, split, moved or swapped fault when the guest touches them.",
        remedy="switch off transparent huge pages, KSM, NUMA balancing and swap",
    ),
    Check(
        number=39, title="Cache allocation", run=cache_allocation,
        why="libvirt gives cache ways to a VM through resctrl, which must be mounted before it starts.",
        remedy="mount -t resctrl resctrl /sys/fs/resctrl, then restart libvirtd",
    ),
)  # fmt: skip
