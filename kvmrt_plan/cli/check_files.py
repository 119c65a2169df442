# SPDX-License-Identifier: Apache-2.0
"""Which configuration is checked against which snapshot, and doing it on all CPUs."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from kvmrt_plan.cli.host import read_simulated
from kvmrt_plan.desired.load import MAX_CONFIGURATION_BYTES, load_configuration
from kvmrt_plan.errors import HostError, KvmrtError, UsageError
from kvmrt_plan.fleet.check import (
    check_alone,
    check_on_host,
    unusable_file,
    unusable_host,
)
from kvmrt_plan.fleet.checked import Checked
from kvmrt_plan.hosts.files import read_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TypeAlias

    from kvmrt_plan.fleet.check import Terms

    #: A configuration with the snapshots it is checked against.
    Pair: TypeAlias = tuple[str, tuple[str, ...]]

_SUFFIXES = (".yaml", ".yml", ".cfg")
#: Below this many checks another process costs more than it saves.
_FEWEST_PER_PROCESS = 4
_MOST_PROCESSES = 64


def find_pairs(paths: Iterable[str], hosts: Sequence[str], *, is_alone: bool) -> list[Pair]:
    """The configurations that the paths name, each once, with their snapshots.

    Raises:
        UsageError: a folder has no configuration, or a snapshot that was named is not there.
    """
    files = dict.fromkeys(file for path in paths for file in _configurations(path))
    for host in hosts:
        if not os.path.exists(host):
            raise UsageError(f"--host {host}: there is no such snapshot", "check the path")
    if is_alone:
        return [(file, ()) for file in files]
    return [(file, _snapshots(file, hosts)) for file in files]


def check_paths(pairs: Sequence[Pair], terms: Terms, *, jobs: int | None) -> list[Checked]:
    """Check all pairs, in several processes where that is quicker.

    Raises:
        HostError: a process was ended from outside, for want of memory for instance.
    """
    processes = min(
        jobs or len(os.sched_getaffinity(0)), len(pairs) // _FEWEST_PER_PROCESS, _MOST_PROCESSES
    )
    if processes < 2:
        return [one for pair in pairs for one in check_pair(pair, terms=terms)]
    # Loaded here: one configuration does without them.
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    work = partial(check_pair, terms=terms)
    size = max(1, len(pairs) // (processes * 4))
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        try:
            return [one for found in pool.map(work, pairs, chunksize=size) for one in found]
        except BrokenProcessPool as error:
            raise HostError(
                "a process of the check was ended from outside", "try again with --jobs 1"
            ) from error


def check_pair(pair: Pair, *, terms: Terms) -> list[Checked]:
    """One configuration on each of its hosts. Failures of the world become findings here."""
    file, snapshots = pair
    try:
        content = read_document(file, limit_bytes=MAX_CONFIGURATION_BYTES)
    except KvmrtError as error:
        return [Checked(file=file, findings=(unusable_file(file, error),))]
    configuration, findings = load_configuration(content, file=file)
    if configuration is None:
        return [Checked(file=file, findings=findings)]
    if not snapshots:
        return [check_alone(configuration, terms)]
    found = []
    for path in snapshots:
        try:
            snapshot = read_simulated(path)
        except KvmrtError as error:
            found.append(Checked(file=file, snapshot=path, findings=(unusable_host(path, error),)))
        else:
            found.append(check_on_host(configuration, snapshot, terms, path=path))
    return found


def _configurations(path: str) -> list[str]:
    """The path itself, or all configurations below a folder; what is hidden is left out."""
    if not os.path.isdir(path):
        return [path]
    found: list[str] = []
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            os.path.join(folder, name)
            for name in sorted(names)
            if name.endswith(_SUFFIXES) and not name.startswith(".")
        ]
    if not found:
        raise UsageError(
            f"{path} holds no configuration", f"name a folder with {', '.join(_SUFFIXES)} files"
        )
    return found


def _snapshots(file: str, hosts: Sequence[str]) -> tuple[str, ...]:
    """Those that were named: in a folder the one of the same name. Without any, the one beside it."""
    stem = os.path.splitext(file)[0]
    if not hosts:
        return (f"{stem}.json",) if os.path.exists(f"{stem}.json") else ()
    name = os.path.basename(stem)
    found: list[str] = []
    for host in hosts:
        path = os.path.join(host, f"{name}.json") if os.path.isdir(host) else host
        if path == host or os.path.exists(path):
            found.append(path)
    # Of several files those of this name, if there are any.
    own = [one for one in found if os.path.basename(one) == f"{name}.json"]
    return tuple(dict.fromkeys(own or found))
