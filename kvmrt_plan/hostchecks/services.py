# SPDX-License-Identifier: Apache-2.0
"""Services that write the same settings, and what confines QEMU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.facts.processes import processes_named
from kvmrt_plan.hostchecks.check import Check, passed, skipped, warned

if TYPE_CHECKING:
    from kvmrt_plan.hostchecks.check import HostView, Outcome

#: As the kernel has their names, cut after 15 bytes.
_WRITERS = ("tuned", "power-profiles-", "tlp", "thermald", "numad", "ksmtuned", "stalld")


def writers(view: HostView) -> Outcome:
    """Which of them run."""
    running = [name for name in _WRITERS if any(processes_named(view.snapshot, name))]
    if not running:
        return passed("none runs")
    profile = view.facts.services.tuned_profile
    shown = [f"{name} ({profile})" if name == "tuned" and profile else name for name in running]
    units = " ".join("power-profiles-daemon" if name[:5] == "power" else name for name in running)
    return warned(", ".join(shown), "none", f"systemctl disable --now {units}")


def confinement(view: HostView) -> Outcome:
    """For the owner to know when QEMU is refused a file."""
    found = []
    if view.word("/sys/module/apparmor/parameters/enabled") == "Y":
        found.append("AppArmor")
    enforce = view.word("/sys/fs/selinux/enforce")
    if enforce is not None:
        found.append("SELinux, enforcing" if enforce == "1" else "SELinux, permissive")
    if not found:
        return skipped("neither AppArmor nor SELinux")
    return passed(f"{', '.join(found)}: look at the audit log when QEMU is refused a file")


CHECKS = (
    Check(
        number=32, title="Services that set the same", run=writers,
        why="Two owners of one setting undo each other; TuneD has moved pinned vCPUs and crashed guests.",
        remedy="systemctl disable --now NAME",
    ),
    Check(
        number=49, title="AppArmor and SELinux", run=confinement,
        why="They may refuse QEMU huge pages and VFIO devices outside of the usual places.",
        remedy="none is needed",
    ),
)  # fmt: skip
