# SPDX-License-Identifier: Apache-2.0
"""What a check is, what it looks at, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from kvmrt_plan.facts.reading import read_word
from kvmrt_plan.values.cpuset import CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.etree import _Element

    from kvmrt_plan.desired.model import Configuration
    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.placement.model import Placement


class Status(StrEnum):
    """A failure means that real-time VMs will not work, a warning that they will be disturbed."""

    PASS = "pass"  # noqa: S105  no password
    WARN = "warn"
    FAIL = "fail"
    #: Not known here, or not a question for this host.
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a check found. `remedy` replaces the check's own where the host allows a better one."""

    status: Status
    present: str
    wanted: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question to the host. Numbers are stable and never used again for something else."""

    number: int
    title: str
    why: str
    remedy: str
    run: Callable[[HostView], Outcome]

    @property
    def code(self) -> str:
        """`HC05`."""
        return f"HC{self.number:02}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A check with its outcome."""

    check: Check
    outcome: Outcome

    @property
    def remedy(self) -> str:
        """What to do; "" when nothing is."""
        if self.outcome.status in (Status.PASS, Status.SKIP):
            return ""
        return self.outcome.remedy or self.check.remedy


@dataclass(frozen=True, kw_only=True)
class HostView:
    """The host, and the configuration that is meant for it (None: the host for itself)."""

    snapshot: Snapshot
    facts: HostFacts
    #: This machine, and not a snapshot or a captured tree of some machine.
    is_live: bool = False
    configuration: Configuration | None = None
    placement: Placement | None = None
    #: What the rules find about the configuration on this host.
    findings: tuple[Finding, ...] = ()

    def word(self, path: str) -> str | None:
        """The text at the path without padding; None when the snapshot has none."""
        return read_word(self.snapshot, path)

    def has(self, path: str) -> bool:
        """Whether the path is a file, folder or link of the host."""
        folder, _, name = path.rpartition("/")
        return name in self.snapshot.entries(folder)

    @cached_property
    def arguments(self) -> dict[str, str]:
        """The boot arguments of the running kernel; "" for one without a value."""
        return parse_arguments(self.facts.kernel.command_line)

    @cached_property
    def flags(self) -> frozenset[str]:
        """The CPU's features from /proc/cpuinfo; empty when they are not known."""
        for line in (self.snapshot.read("/proc/cpuinfo") or "").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in ("flags", "Features"):
                return frozenset(value.split())
        return frozenset()

    @cached_property
    def rt_cpus(self) -> CpuSet:
        """All CPUs that RT VMs of the configuration own, whether they run or not."""
        if self.placement is None:
            return CpuSet()
        return union(one.owned for one in self.placement.vms if one.vm.rt)

    def definitions(self) -> Iterator[tuple[str, _Element]]:
        """Each domain's name with the root of its XML.

        Raises:
            DomainXmlError: an XML cannot be read.
        """
        from kvmrt_plan.domainxml.document import parse_domain

        for domain in self.facts.domains.values():
            yield domain.name, parse_domain(domain.xml or domain.live_xml, domain=domain.name)


def parse_arguments(line: str) -> dict[str, str]:
    """A kernel command line; the last of several equal names counts, dashes are underscores.

    >>> parse_arguments("quiet isolcpus=4-7 vfio-pci.ids=10de:1db4")
    {'quiet': '', 'isolcpus': '4-7', 'vfio_pci.ids': '10de:1db4'}
    """
    found = {}
    for word in line.split():
        name, _, value = word.partition("=")
        found[name.replace("-", "_")] = value.strip('"')
    return found


def passed(present: str) -> Outcome:
    """As it should be."""
    return Outcome(status=Status.PASS, present=present)


def warned(present: str, wanted: str, remedy: str = "") -> Outcome:
    """Works, but disturbs."""
    return Outcome(status=Status.WARN, present=present, wanted=wanted, remedy=remedy)


def failed(present: str, wanted: str, remedy: str = "") -> Outcome:
    """Does not work."""
    return Outcome(status=Status.FAIL, present=present, wanted=wanted, remedy=remedy)


def skipped(why: str) -> Outcome:
    """Cannot be told, or does not matter here."""
    return Outcome(status=Status.SKIP, present=why)


#: The answer where only a configuration makes it a question.
NO_RT = skipped("no configuration with a real-time VM")
