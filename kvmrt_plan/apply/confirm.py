# SPDX-License-Identifier: Apache-2.0
"""A run that is taken back unless somebody confirms it in time.

The file `unconfirmed.json` in the volatile state folder names the run that waits. It is there before the
run's first write and gone once the run is confirmed or taken back; a timer that finds it gone, or finds
another run in it, has nothing to do. So a timer never has to be stopped.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.apply.history import reverted_runs
from kvmrt_plan.apply.journal import Finish
from kvmrt_plan.errors import SnapshotError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmrt_plan.apply.journal import Record
    from kvmrt_plan.ports import StateStore

FILE = "unconfirmed.json"
FORMAT_VERSION = "1.0"
_ENDLESS = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """A run that waits for its confirmation."""

    run: str
    #: How long the user has, from the end of the run.
    seconds: float
    #: When the time is up, in seconds since the boot of the machine that counts them (CLOCK_BOOTTIME:
    #: setting the clock does not move it).
    deadline: float
    boot_id: str

    def seconds_left(self, now: float) -> float:
        """Until the deadline; never more than the whole time, should the machine have booted since."""
        return min(self.deadline - now, self.seconds)


def arm(volatile: StateStore, waiting: Unconfirmed) -> None:
    """Note that the run waits; on disk when this returns."""
    document = {
        "format": "kvmrt-unconfirmed",
        "format_version": FORMAT_VERSION,
        "run": waiting.run,
        "seconds": waiting.seconds,
        "deadline": waiting.deadline,
        "boot_id": waiting.boot_id,
    }
    volatile.replace(FILE, (json.dumps(document, indent=1) + "\n").encode())


def disarm(volatile: StateStore, run: str) -> None:
    """The run no longer waits: it was confirmed, or is taken back."""
    waiting = read_unconfirmed(volatile)
    if waiting is not None and waiting.run == run:
        volatile.remove(FILE)


def read_unconfirmed(volatile: StateStore) -> Unconfirmed | None:
    """The run that waits; None when there is none.

    Raises:
        SnapshotError: the file is not what `arm` writes.
    """
    content = volatile.read(FILE)
    if content is None:
        return None
    try:
        document = json.loads(content)
        return Unconfirmed(
            run=str(document["run"]),
            seconds=_finite(document["seconds"]),
            deadline=_finite(document["deadline"]),
            boot_id=str(document["boot_id"]),
        )
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise SnapshotError(
            volatile.place_of(FILE),
            f"is damaged, and does not say which run waits: {error or type(error).__name__}",
            "delete it: the run then stays; `kvmrt history` lists the runs, `kvmrt revert` takes one back",
        ) from error


def _finite(value: float) -> float:
    # NaN, which JSON readers of Python let pass, would never be over.
    if not -_ENDLESS < float(value) < _ENDLESS:
        raise ValueError(f"{value!r} is no time")
    return float(value)


def run_to_confirm(volatile: StateStore, records: Sequence[Record]) -> Unconfirmed | None:
    """The run that waits and is in force. A note of a run that came to nothing (it was killed and
    recovered) is removed.
    """
    waiting = read_unconfirmed(volatile)
    if waiting is None or applied_run(records, waiting.run) is not None:
        return waiting
    volatile.remove(FILE)
    return None


def applied_run(records: Sequence[Record], run: str) -> Record | None:
    """The run, if it was applied and not taken back since."""
    reverted = reverted_runs(records)
    for record in records:
        if record.header.id == run and record.finish is Finish.APPLIED and run not in reverted:
            return record
    return None
