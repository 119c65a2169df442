# SPDX-License-Identifier: Apache-2.0
"""Services that write the same settings as kvmrt: they are named, never fought in silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.facts.containers import Containers, parse_containers
from kvmrt_plan.facts.irqbalance import Irqbalance, parse_irqbalance
from kvmrt_plan.facts.processes import processes_named
from kvmrt_plan.facts.reading import read_word
from kvmrt_plan.values.cpuset import EMPTY, CpuListError, CpuSet

if TYPE_CHECKING:
    from kvmrt_plan.facts.snapshot import Snapshot

TUNED_PROFILE_FILE = "/etc/tuned/active_profile"
#: TuneD's profiles that keep CPUs isolated read them from here (the profile's tuned.conf includes it).
_VARIABLES = "/etc/tuned/{}-variables.conf"
_PROFILES = ("/etc/tuned/{}/tuned.conf", "/etc/tuned/profiles/{}/tuned.conf")
#: Daemons by the names of their units, as the kernel has their names (cut after 15 bytes).
_DAEMONS = {
    "numad": "numad",
    "ksmtuned": "ksmtuned",
    "power-profiles-": "power-profiles-daemon",
    "tlp": "tlp",
    "thermald": "thermald",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Competing writers."""

    irqbalance: Irqbalance
    #: TuneD's active profile ("" when it names none), None when TuneD does not run.
    tuned_profile: str | None
    #: CPUs that the active profile isolates; None when it says none, or in a way that is not understood.
    tuned_isolated: CpuSet | None = None
    #: Whether the profile's own file tells its scheduler plugin to leave QEMU alone.
    is_tuned_sparing_qemu: bool = False
    #: Units of others that run: numad, ksmtuned, power-profiles-daemon, tlp, thermald.
    running: frozenset[str] = frozenset()
    #: Containers that were given CPUs.
    containers: tuple[Containers, ...] = ()


def parse_services(snapshot: Snapshot) -> Services:
    """Competing writers; a host that has none is complete too."""
    has_tuned = any(processes_named(snapshot, "tuned"))
    profile = (read_word(snapshot, TUNED_PROFILE_FILE) or "") if has_tuned else None
    running = {unit for name, unit in _DAEMONS.items() if any(processes_named(snapshot, name))}
    if "tlp" in snapshot.entries("/run"):
        # It is no daemon: it sets the governor whenever the power supply or the lid changes.
        running.add("tlp")
    return Services(
        irqbalance=parse_irqbalance(snapshot),
        tuned_profile=profile,
        tuned_isolated=_isolated_cores(snapshot, profile or ""),
        is_tuned_sparing_qemu=_spares_qemu(snapshot, profile or ""),
        running=frozenset(running),
        containers=parse_containers(snapshot),
    )


def _isolated_cores(snapshot: Snapshot, profile: str) -> CpuSet | None:
    """`isolated_cores=2-5,^4` of the profiles, of which several may be active; the last line counts."""
    found: CpuSet | None = None
    for name in profile.split():
        for line in snapshot.files.get(_VARIABLES.format(name), "").splitlines():
            key, equals, value = line.partition("=")
            if equals and key.strip() == "isolated_cores":
                found = _parse_cores(value)
    return found


def _parse_cores(text: str) -> CpuSet | None:
    """TuneD's notation: a cpulist in which `^4` takes away; its functions (`${f:...}`) are not known."""
    found = EMPTY
    try:
        for part in text.strip().strip("\"'").split(","):
            word = part.strip()
            if word.startswith("^"):
                found = found - CpuSet.parse(word[1:])
            elif word:
                found = found | CpuSet.parse(word)
    except CpuListError:
        return None
    return found or None


def _spares_qemu(snapshot: Snapshot, profile: str) -> bool:
    texts = (
        snapshot.files.get(path.format(name), "") for name in profile.split() for path in _PROFILES
    )
    lines = (line.strip() for text in texts for line in text.splitlines())
    return any(line.startswith("ps_blacklist") and "qemu" in line for line in lines)
