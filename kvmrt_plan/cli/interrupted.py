# SPDX-License-Identifier: Apache-2.0
"""A run that breaks off, by a signal or because nobody reads its output any more, is taken back at once.

What the process knew of it counts for nothing then: the journal says what was begun, as after a kill.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from kvmrt_plan.apply.journal import REVERT, START, STOP, Finish
from kvmrt_plan.apply.recover import recover
from kvmrt_plan.cli.progress import JsonProgress
from kvmrt_plan.errors import RunInterruptedError
from kvmrt_plan.hosts.signals import undisturbed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.apply.recover import Recovery
    from kvmrt_plan.apply.run import Site
    from kvmrt_plan.cli.progress import Progress


@contextmanager
def taken_back(site: Site, progress: Progress) -> Iterator[None]:
    """Take back what the body has begun and not ended, if it breaks off.

    Raises:
        RunInterruptedError: it did; the text says what became of the run.
        OSError: its output could not be written; the run is taken back.
    """
    try:
        yield
    except (KeyboardInterrupt, OSError) as error:
        with undisturbed():
            recovery = recover(site.host, site.state, site.volatile, boot_id=site.boot_id)
        is_whole = recovery is None or not recovery.differs
        if isinstance(error, OSError) and is_whole:
            raise
        if recovery is not None and isinstance(progress, JsonProgress):
            progress.recovered(recovery)
        raise RunInterruptedError(
            f"{cause_of(error)}: {_outcome(recovery)}",
            "kvmrt history lists the runs" if is_whole else "set back by hand what is named",
            is_whole=is_whole,
        ) from error


def cause_of(error: BaseException) -> str:
    """`interrupted`, or what else broke a run off."""
    if not isinstance(error, KeyboardInterrupt):
        return f"the output cannot be written ({error})"
    name = str(error)
    return f"interrupted by {name}" if name not in ("", "SIGINT") else "interrupted"


def _outcome(recovery: Recovery | None) -> str:
    if recovery is None:
        return "no run was under way, and nothing had to be taken back"
    run = f"run {recovery.id}"
    if recovery.differs:
        return f"{run} could NOT be taken back whole; left: {'; '.join(recovery.differs)}"
    if recovery.finish in (Finish.APPLIED, Finish.INCOMPLETE):
        return f"{run} was complete by then, and stays"
    if recovery.purpose in (START, STOP):
        return "guests stay as they are now"
    if recovery.purpose == REVERT:
        return "the revert was undone, the host is as it was before it"
    return f"what {run} had written was taken back, the host is as it was before it"
