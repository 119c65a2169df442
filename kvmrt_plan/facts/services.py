# SPDX-License-Identifier: Apache-2.0
"""Services that write the same settings as kvmrt: they are named, never fought in silence.

irqbalance(1) takes its settings from the environment, which its unit reads from one file; the
distributions differ in where it lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.facts.processes import processes_named
from kvmrt_plan.facts.reading import read_word
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.facts.snapshot import Snapshot

#: Debian and Ubuntu; RHEL, SUSE and RedHawk; Gentoo and Arch.
IRQBALANCE_FILES = (
    "/etc/default/irqbalance",
    "/etc/sysconfig/irqbalance",
    "/etc/conf.d/irqbalance",
)
TUNED_PROFILE_FILE = "/etc/tuned/active_profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Irqbalance:
    """The interrupt balancer."""

    is_running: bool
    #: CPUs it must leave alone, None when its settings name none.
    banned: CpuSet | None
    #: The settings file that was read, "" when there is none.
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Competing writers."""

    irqbalance: Irqbalance
    #: TuneD's active profile ("" when it names none), None when TuneD does not run.
    tuned_profile: str | None


def parse_services(snapshot: Snapshot) -> Services:
    """Competing writers; a host that has none is complete too."""
    has_tuned = any(processes_named(snapshot, "tuned"))
    return Services(
        irqbalance=_parse_irqbalance(snapshot),
        tuned_profile=(read_word(snapshot, TUNED_PROFILE_FILE) or "") if has_tuned else None,
    )


def _parse_irqbalance(snapshot: Snapshot) -> Irqbalance:
    file = next((path for path in IRQBALANCE_FILES if path in snapshot.files), "")
    return Irqbalance(
        is_running=any(processes_named(snapshot, "irqbalance")),
        banned=_banned(_assignments(snapshot.files.get(file, ""))),
        file=file,
    )


def _assignments(text: str) -> dict[str, str]:
    """An EnvironmentFile (systemd.exec(5)): `KEY="value"` lines; the last one of a key counts."""
    found = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith(("#", ";")):
            found[key.removeprefix("export ").strip()] = value.strip().strip("\"'")
    return found


def _banned(settings: Mapping[str, str]) -> CpuSet | None:
    # irqbalance's setup_banned_cpus looks at the hexadecimal variable first and ignores the list
    # when it is there; a text it cannot read bans nothing, so that this is no error here either.
    mask = settings.get("IRQBALANCE_BANNED_CPUS")
    listed = settings.get("IRQBALANCE_BANNED_CPULIST")
    try:
        if mask:
            return CpuSet.parse_mask(mask.removeprefix("0x"))
        return CpuSet.parse_kernel(listed) if listed else None
    except ValueError:
        return None
