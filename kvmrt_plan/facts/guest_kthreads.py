# SPDX-License-Identifier: Apache-2.0
"""Threads of the kernel that work for one guest: its interval timer, its network, its page tables.

Their names end in the number of the QEMU thread that asked for them: `kvm-pit/4000` (arch/x86/kvm/i8254.c),
`vhost-4000` (drivers/vhost/vhost.c; since Linux 6.4 a thread of QEMU itself) and
`kvm-nx-lpage-recovery-4000` (virt/kvm/kvm_main.c). KVM and vhost put the last two into QEMU's cgroup;
kvm-pit stays in the root's, where nobody places it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.facts.domain import Thread
from kvmrt_plan.facts.task import parse_allowed, parse_task
from kvmrt_plan.values.cpuset import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kvmrt_plan.facts.snapshot import Snapshot

#: What the name says, and the number of a thread of QEMU.
_NAME = re.compile(r"(kvm-pit(?=/)|vhost(?=-)|kvm-nx-lpage-recovery(?=-)).(\d{1,10})")


def kthreads_of_guests(snapshot: Snapshot, folders: Iterable[str]) -> dict[str, list[Thread]]:
    """The threads by the folder of their QEMU process (`/proc/812`), by ascending number.

    Raises:
        FactError: a text is not what the kernel prints there.
    """
    processes = frozenset(folders)
    found: dict[str, list[Thread]] = {}
    for tid, folder in snapshot.numbered("/proc", "") if processes else ():
        stat = snapshot.files.get(f"{folder}/stat", "")
        if "(kvm-" not in stat and "(vhost-" not in stat:
            continue
        owner = _owner(snapshot, parse_task(tid, stat, affinity=None).name, processes)
        status = snapshot.files.get(f"{folder}/status")
        if owner is not None and status is not None:
            found.setdefault(owner, []).append(_thread(snapshot, folder, owner, stat, status))
    return found


def kind_of_kthread(name: str) -> str:
    """The name without the number, which another start of the guest changes; others as they are."""
    matched = _NAME.fullmatch(name)
    return matched[1] if matched else name


def _owner(snapshot: Snapshot, name: str, processes: frozenset[str]) -> str | None:
    """The process that has the thread whose number ends the name."""
    matched = _NAME.fullmatch(name)
    if matched is None:
        return None
    if f"/proc/{matched[2]}" in processes:
        return f"/proc/{matched[2]}"
    tasks = (one for one in processes if f"{one}/task/{matched[2]}/stat" in snapshot.files)
    return next(tasks, None)


def _thread(snapshot: Snapshot, folder: str, owner: str, stat: str, status: str) -> Thread:
    task = parse_task(int(folder.rpartition("/")[2]), stat, affinity=None)
    return Thread(
        tid=task.tid,
        name=task.name,
        affinity=parse_allowed(status, f"{folder}/status") or EMPTY,
        policy=task.policy,
        priority=task.priority,
        last_cpu=task.last_cpu,
        is_kernel=True,
        cgroup=parse_unified(snapshot.files.get(f"{folder}/cgroup", "")),
        home=parse_unified(snapshot.files.get(f"{owner}/cgroup", "")),
    )


def parse_unified(text: str) -> str | None:
    r"""The cgroup of a process in the unified hierarchy (cgroups(7)), None when its CPUs are given by v1.

    >>> parse_unified("0::/machine.slice/vm.scope/libvirt/emulator\n")
    '/machine.slice/vm.scope/libvirt/emulator'
    >>> parse_unified("4:cpuset:/machine/vm\n0::/\n") is None
    True
    """
    unified: str | None = None
    for line in _lines(text):
        number, controllers, path = line
        if "cpuset" in controllers.split(","):
            return None
        if number == "0" and not controllers:
            unified = path
    return unified


def _lines(text: str) -> Iterator[tuple[str, str, str]]:
    for line in text.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        yield number, controllers, path
