# SPDX-License-Identifier: Apache-2.0
"""One cause that interrupts a CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kvmrt_plan.values.cpuset import CpuSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Intrusion:
    """A cause, whom it concerns, and what removes it."""

    #: `user tasks`, `interrupts`; several intrusions may have the same.
    cause: str
    summary: str
    #: Path or command; "" when nothing at run time or boot removes it.
    remedy: str
    #: Who: names as they are, with numbers; the view groups them.
    subjects: tuple[tuple[int, str], ...] = ()
    #: False: the texts do not tell whether it is there.
    is_known: bool = True

    @classmethod
    def not_known(cls, cause: str, missing: str) -> Intrusion:
        """What cannot be told, and for want of which text."""
        return cls(cause=cause, summary=f"not known: {missing}", remedy="", is_known=False)


@dataclass(frozen=True, slots=True)
class Target:
    """The CPUs that are to be left alone, and all others that are online."""

    cpus: CpuSet
    others: CpuSet

    def remedy(self, command: str) -> str:
        """The command, where there is a CPU to move work to."""
        return command if self.others else "no other CPU is online: nothing can be moved away"
