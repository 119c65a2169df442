# SPDX-License-Identifier: Apache-2.0
"""irqbalance(1): which CPUs it leaves alone, in its settings file and in the running daemon.

The settings are environment variables, which its unit reads from one file; the distributions differ in
where it lies. `IRQBALANCE_BANNED_CPUS` (a mask) wins over `IRQBALANCE_BANNED_CPULIST`, and when either is
set CPUs of isolcpus= and nohz_full= are no longer left alone by themselves (irqbalance, cputree.c,
setup_banned_cpus).

What kvmrt adds to the file is a block at its top, and lines that would speak against it are commented out, so
that the file itself tells how it was. The running daemon is asked through its socket:

    setup           ->  SLEEP 10 BANNED 00000000,000000f0
    settings cpus 4-7,12
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.facts.processes import processes_named
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.facts.snapshot import Snapshot

#: Debian and Ubuntu; RHEL, SUSE and RedHawk; Gentoo and Arch.
IRQBALANCE_FILES = (
    "/etc/default/irqbalance",
    "/etc/sysconfig/irqbalance",
    "/etc/conf.d/irqbalance",
)
UNIT_FILES = (
    "/etc/systemd/system/irqbalance.service",
    "/usr/lib/systemd/system/irqbalance.service",
    "/lib/systemd/system/irqbalance.service",
)
#: The daemon's socket; a snapshot has the answer to `setup` there.
SOCKET = "/run/irqbalance/irqbalance{}.sock"
#: How plans write that no CPU is left alone.
NONE = "none"

_MASK, _LIST = "IRQBALANCE_BANNED_CPUS", "IRQBALANCE_BANNED_CPULIST"
_OURS = "# kvmrt: CPUs of real-time VMs; kvmrt takes this out again when none needs them"
_MADE = "# kvmrt: CPUs of real-time VMs; kvmrt removes this file when none needs them"
_HIDDEN = "#kvmrt# "
_SETTING = re.compile(rf"\s*(?:export\s+)?(?:{_MASK}|{_LIST})\s*=")
_ANSWER = re.compile(r"\bBANNED ([0-9a-fA-F,]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Irqbalance:
    """The interrupt balancer."""

    is_running: bool
    #: CPUs it must leave alone, None when its settings name none.
    banned: CpuSet | None
    #: The settings file, "" when it is not known.
    file: str = ""
    #: What the settings would be without kvmrt; as `banned` when kvmrt has added nothing.
    base: CpuSet | None = None
    #: Whether kvmrt has added to the file.
    is_ours: bool = False
    #: CPUs that the running daemon leaves alone; None when it does not run, or was not asked.
    live: CpuSet | None = None


def parse_irqbalance(snapshot: Snapshot) -> Irqbalance:
    """The balancer with its settings; a host without one is complete too."""
    folder = next(processes_named(snapshot, "irqbalance"), None)
    file = next((path for path in IRQBALANCE_FILES if path in snapshot.files), "")
    text = snapshot.files.get(file, "")
    before = without_kvmrt(text) or ""
    socket = SOCKET.format(folder.rpartition("/")[2]) if folder else ""
    return Irqbalance(
        is_running=folder is not None,
        banned=banned_cpus(text),
        file=file or _file_of_unit(snapshot),
        base=banned_cpus(before),
        is_ours=before != text,
        live=parse_answer(snapshot.files.get(socket, "")),
    )


def parse_answer(text: str) -> CpuSet | None:
    """CPUs that the daemon leaves alone, by its answer to `setup`; None when that does not say."""
    found = _ANSWER.search(text)
    try:
        return CpuSet.parse_mask(found[1]) if found else None
    except ValueError:
        return None


def banned_cpus(text: str) -> CpuSet | None:
    """CPUs that the settings name; None: none are named, or in a way that irqbalance cannot read."""
    return _banned(_assignments(text))


def with_ban(text: str | None, cpus: CpuSet) -> str | None:
    """The settings with these CPUs: as they were before kvmrt when they named just these.

    Args:
        text: the file's present content, None when there is none.
        cpus: what irqbalance is to leave alone.
    """
    before = without_kvmrt(text)
    if (banned_cpus(before or "") or EMPTY) == cpus:
        return before
    lines = (before or "").splitlines(keepends=True)
    hidden = (_HIDDEN + line if _SETTING.match(line) else line for line in lines)
    mark = _MADE if before is None else _OURS
    return "".join((f"{mark}\n{_LIST}={cpus}\n", *hidden))


def without_kvmrt(text: str | None) -> str | None:
    """The settings as they were before kvmrt added to them; None: there was no file."""
    lines = (text or "").splitlines(keepends=True)
    first = lines[0].rstrip("\n") if lines else ""
    if first not in (_OURS, _MADE):
        return text
    rest = "".join(line.removeprefix(_HIDDEN) for line in lines[2:])
    return None if first == _MADE and not rest else rest


def _file_of_unit(snapshot: Snapshot) -> str:
    """The settings file that the unit reads although it is not there: the last one that is known."""
    text = next((snapshot.files[path] for path in UNIT_FILES if path in snapshot.files), "")
    named = [
        line.partition("=")[2].strip().removeprefix("-")
        for line in text.splitlines()
        if line.strip().startswith("EnvironmentFile=")
    ]
    return next((path for path in reversed(named) if path in IRQBALANCE_FILES), "")


def _assignments(text: str) -> dict[str, str]:
    """An EnvironmentFile (systemd.exec(5)): `KEY="value"` lines; the last one of a key counts."""
    found = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith(("#", ";")):
            found[key.removeprefix("export ").strip()] = value.strip().strip("\"'")
    return found


def _banned(settings: Mapping[str, str]) -> CpuSet | None:
    # A text that irqbalance cannot read bans nothing, so that this is no error here either.
    mask, listed = settings.get(_MASK), settings.get(_LIST)
    try:
        if mask:
            return CpuSet.parse_mask(mask.removeprefix("0x"))
        return CpuSet.parse_kernel(listed) if listed else None
    except ValueError:
        return None
