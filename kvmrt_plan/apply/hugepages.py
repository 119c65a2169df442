# SPDX-License-Identifier: Apache-2.0
"""Pools of huge pages.

Writing nr_hugepages succeeds with fewer pages than asked for when memory is short or in pieces
(Documentation/admin-guide/mm/hugetlbpage.rst), so that only reading back tells. A pool that grew only in
part is put back at once; a run that is killed before that leaves a number between old and new, which is
ours as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.apply.addresses import path_of, subject_of
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError

if TYPE_CHECKING:
    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.ports import Host

_GIB_KIB = 1024 * 1024


def read_pool(host: Host, step: Step) -> str | None:
    """The number of pages; None when there is no such pool.

    Raises:
        WriteRefusedError: it cannot be read.
    """
    text = host.read(path_of(step.kind, step.address))
    return None if text is None else text.strip()


def write_pool(host: Host, step: Step) -> None:
    """Set the number of pages.

    Raises:
        WriteRefusedError: the kernel refuses, or gives fewer pages; the pool is as it was then.
    """
    path = path_of(step.kind, step.address)
    host.write(path, step.new or "")
    got = read_pool(host, step)
    if got == step.new or not is_partial(step, got):
        return
    host.write(path, step.old or "0")
    raise WriteRefusedError(path, _shortage(step, got or "0"))


def is_partial(step: Step, now: str | None) -> bool:
    """Whether the value lies between old and new: a write of this step that was not done in full."""
    numbers = (step.old, now, step.new)
    if step.kind is not Kind.HUGEPAGES or not all(
        one is not None and one.isdigit() for one in numbers
    ):
        return False
    old, present, new = (int(one or "0") for one in numbers)
    return min(old, new) <= present <= max(old, new)


def _shortage(step: Step, got: str) -> str:
    """What the kernel gave, and the boot argument that gives all."""
    place, _, size_kib = subject_of(step.kind, step.address).partition("/")
    size = "1G" if int(size_kib) == _GIB_KIB else f"{int(size_kib) // 1024}M"
    node = f"{place.removeprefix('node')}:" if place != "host" else ""
    return (
        f"holds {got} pages after {step.new} were asked for, and has its {step.old} again: memory is short "
        f"or in pieces; reserve them at boot with hugepagesz={size} hugepages={node}{step.new}"
    )
