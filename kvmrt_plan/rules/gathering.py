# SPDX-License-Identifier: Apache-2.0
"""Rules about what is not known of the host, where that makes a plan incomplete."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.rules.wording import few, plural
from kvmrt_plan.values.cpuset import MAX_ID, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject

#: Folders whose texts a plan rests on, and what is missing without them.
_MATTERS = (
    ("/sys/devices/system/cpu/", "CPUs and their siblings"),
    ("/sys/devices/system/node/", "NUMA nodes"),
    ("/proc/irq/", "interrupts"),
    ("/sys/kernel/irq/", "interrupts"),
    ("/sys/devices/virtual/workqueue/", "workqueues"),
    ("/sys/fs/cgroup/", "slices"),
    ("/proc/cmdline", "the kernel's command line"),
    ("/proc/shield/", "the shield"),
    ("/etc/", "settings of services"),
    ("/proc/", "processes"),
)
_NUMBER = re.compile(r"\d{1,5}")


def libvirt_answers(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Without libvirt the host's policies can be planned, the VMs cannot.

    A libvirt that was asked and does not answer is an error: half a plan would look like a whole one.
    Where nobody asked (a captured tree, a snapshot without libvirt) it is known that half is missing.
    """
    if facts.libvirt_problem and subject.configuration.vms:
        uri = facts.libvirt_uri or "no connection"
        yield Finding(
            code="KR201",
            severity=Severity.ERROR if facts.libvirt_uri else Severity.WARNING,
            summary=f"libvirt's domains are not known ({uri}): nothing is planned for the VMs "
            "themselves",
            detail=facts.libvirt_problem,
            remedy="start libvirtd (or virtqemud), choose it with --connect, or take the snapshot "
            "on a host where it answers",
        )


def texts_are_readable(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Paths that exist and were refused, one finding per errno and kind of thing."""
    del subject
    groups: dict[tuple[str, str], list[str]] = {}
    for path, errno in facts.unreadable.items():
        for folder, meaning in _MATTERS:
            if path.startswith(folder):
                groups.setdefault((meaning, errno), []).append(path)
                break
    for (meaning, errno), paths in sorted(groups.items()):
        short = collapse(paths)
        yield Finding(
            code="KR202",
            severity=Severity.WARNING,
            summary=f"{plural(len(paths), 'text')} about {meaning} could not be read "
            f"({errno}): {few(short)}",
            detail="" if few(short).endswith(short[-1]) else f"all of them: {', '.join(short)}",
            remedy="run as root, or take the snapshot as root"
            if errno in {"EACCES", "EPERM"}
            else "take the snapshot again; report it as a bug when the text can be read by hand",
        )


def collapse(paths: Iterable[str]) -> list[str]:
    """Paths that differ in their first number only, as one: `/proc/irq/{4-7,9}/smp_affinity`."""
    groups: dict[tuple[str, str], list[str]] = {}
    for path in paths:
        found = _NUMBER.search(path)
        parts = (path[: found.start()], path[found.end() :]) if found else (path, "")
        groups.setdefault(parts, []).append(found[0] if found else "")
    return sorted(before + _numbers(numbers) + after for (before, after), numbers in groups.items())


def _numbers(digits: list[str]) -> str:
    if len(digits) == 1:
        return digits[0]
    numbers = CpuSet(int(one) for one in digits if int(one) <= MAX_ID)
    larger = [one for one in digits if int(one) > MAX_ID]
    return "{" + ",".join(filter(None, (str(numbers), *larger))) + "}"


HOST_RULES = (libvirt_answers, texts_are_readable)
