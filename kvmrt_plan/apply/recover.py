# SPDX-License-Identifier: Apache-2.0
"""After a crash: finish backwards, or finish what was committed.

Runs before anything else that changes a host, and may itself be killed at any point: it looks only at the
journal and at the host, and does nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.apply.engine import judge_owned, take_back
from kvmrt_plan.apply.held import settle_held
from kvmrt_plan.apply.journal import (
    CURRENT,
    Finish,
    Journal,
    file_away,
    read_journal,
)
from kvmrt_plan.apply.same_host import require_same_host
from kvmrt_plan.apply.step import VOLATILE

if TYPE_CHECKING:
    from kvmrt_plan.ports import Host, StateStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What recovery found and did."""

    id: str
    #: What the run was for.
    purpose: str
    #: How the killed run ended after all.
    finish: Finish
    differs: tuple[str, ...]
    #: Whether the machine was started again in between, so that volatile values were gone.
    is_after_reboot: bool


def recover(
    host: Host, store: StateStore, volatile: StateStore, *, boot_id: str
) -> Recovery | None:
    """Finish the run that was killed; None when there was none.

    Args:
        host: the host, under the lock.
        store: where the journal is.
        volatile: where the held values are.
        boot_id: of the running kernel.
    """
    record = read_journal(store)
    if record is None:
        # Not even a header: the run was killed before it announced a write.
        store.remove(CURRENT)
        return None
    require_same_host(host, record.header)
    store.truncate(CURRENT, record.size)
    is_after_reboot = record.header.boot_id != boot_id
    finish, differs = record.finish, record.differs
    if finish is None:
        journal = Journal(store, record.header, begun=record)
        differs = _undo(host, journal, is_after_reboot=is_after_reboot)
        finish = Finish.INCOMPLETE if differs else Finish.RECOVERED
        journal.finish(finish, differs)
    if finish is Finish.APPLIED and not is_after_reboot:
        settle_held(volatile, record, boot_id=boot_id)
    file_away(store, record.header)
    return Recovery(
        id=record.header.id,
        purpose=record.header.purpose,
        finish=finish,
        differs=differs,
        is_after_reboot=is_after_reboot,
    )


def _undo(host: Host, journal: Journal, *, is_after_reboot: bool) -> tuple[str, ...]:
    steps = journal.record.written()
    if is_after_reboot:
        steps = [step for step in steps if step.kind not in VOLATILE]
    else:
        judge_owned(host, journal)
    return take_back(host, journal.record, steps)
