# SPDX-License-Identifier: Apache-2.0
"""Guests start and stop: recorded in the journal like any write, and never taken back.

A run that is killed here leaves every guest as it is, running or not; what the host does for those that
do not run is given back by the release that follows (`unfinished.py`). One guest that fails holds back no
other. A libvirtd that restarts meanwhile is asked again until the time is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from kvmrt_plan.apply.journal import Finish, Header, Journal, file_away
from kvmrt_plan.apply.step import Outcome, Step
from kvmrt_plan.changes.domain_state import RUNNING, SHUT_OFF
from kvmrt_plan.errors import WriteRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kvmrt_plan.apply.run import Site
    from kvmrt_plan.ports import Domains, Host

    #: Calls the function with each step, one after the other or several at once; results in order.
    Each: TypeAlias = Callable[[Callable[[Step], str], Sequence[Step]], Iterable[str]]

#: How long libvirt may be away while it restarts, and how often it is asked.
SETTLE_SECONDS = 10.0
POLL_SECONDS = 0.2
#: How often a power button is pressed: a guest that still boots does not notice it.
PRESS_SECONDS = 10.0

#: States of a guest that has no QEMU process.
_OFF = frozenset({SHUT_OFF, "crashed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time that only goes forward, and waiting."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """How guests are started."""

    #: For waiting until libvirt answers again.
    clock: Clock
    #: How the steps of a batch are made.
    each: Each = map
    #: How many steps share a record of the journal.
    batch: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """How guests are stopped."""

    clock: Clock
    #: All guests together have so long.
    timeout_seconds: float
    #: Whether the power of those that are left is cut.
    is_forced: bool = False


@dataclass(slots=True, kw_only=True)
class Powered:
    """What became of the guests, by the numbers of their steps."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    causes: dict[int, str] = field(default_factory=dict)

    def settle(self, step: Step, cause: str) -> None:
        """A step is over; without a cause it was made."""
        self.outcomes[step.number] = Outcome.FAILED if cause else Outcome.DONE
        if cause:
            self.causes[step.number] = cause


def read_state(host: Host, step: Step) -> str | None:
    """The state, in libvirt's words."""
    return host.domains.state(step.owner)


def write_state(host: Host, step: Step) -> None:
    """Start the guest, or press its power button.

    Raises:
        WriteRefusedError: libvirt refuses.
    """
    if step.new == RUNNING:
        host.domains.start(step.owner)
    else:
        host.domains.shutdown(step.owner)


def start_guests(site: Site, header: Header, steps: Sequence[Step], starting: Starting) -> Powered:
    """Start guests in their order, `starting.batch` of them at a time."""
    journal = Journal(site.state, header)
    journal.open()
    powered = Powered()
    domains, clock = site.host.domains, starting.clock
    for start in range(0, len(steps), starting.batch):
        together = steps[start : start + starting.batch]
        journal.begin(together)
        causes = starting.each(lambda step: _start(domains, step, clock), together)
        for step, cause in zip(together, causes, strict=True):
            powered.settle(step, cause)
        journal.end({step.number: powered.outcomes[step.number] for step in together})
    journal.finish(Finish.APPLIED)
    file_away(site.state, header)
    return powered


def _start(domains: Domains, step: Step, clock: Clock) -> str:
    """Start one guest; "" when it runs, else why not."""
    try:
        domains.start(step.owner)
    except WriteRefusedError as error:
        # The connection may have broken after libvirt had begun: what counts is the guest.
        if _state_in_time(domains, step.owner, clock) == RUNNING:
            return ""
        return error.cause
    state = _state_in_time(domains, step.owner, clock)
    return "" if state == RUNNING else f"it is {state} after its start"


def stop_guests(site: Site, header: Header, steps: Sequence[Step], stopping: Stopping) -> Powered:
    """Press the power buttons of all guests, wait until they are off, and pull the plug where that is
    allowed. All of them share the time.
    """
    journal = Journal(site.state, header)
    journal.open()
    journal.begin(steps)
    domains = site.host.domains
    powered = Powered()
    causes, left = _press_until_off(domains, steps, stopping)
    for step in steps:
        if step not in left:
            powered.settle(step, "")
        elif stopping.is_forced:
            powered.settle(step, _destroy(domains, step, stopping.clock))
        else:
            powered.settle(
                step, causes[step.number] or _ignored(domains, step, stopping.timeout_seconds)
            )
    journal.end(powered.outcomes)
    journal.finish(Finish.APPLIED)
    file_away(site.state, header)
    return powered


def _press_until_off(
    domains: Domains, steps: Sequence[Step], stopping: Stopping
) -> tuple[dict[int, str], list[Step]]:
    """Why the buttons could not be pressed, by number of the step; and the steps whose guests are not off
    when the time is over.
    """
    deadline = stopping.clock.now() + stopping.timeout_seconds
    left = list(steps)
    causes: dict[int, str] = {}
    while True:
        causes.update((step.number, _press(domains, step)) for step in left)
        seconds = min(PRESS_SECONDS, deadline - stopping.clock.now())
        left = _wait_off(domains, left, stopping.clock, seconds)
        if not left or stopping.clock.now() >= deadline:
            return causes, left


def _press(domains: Domains, step: Step) -> str:
    try:
        domains.shutdown(step.owner)
    except WriteRefusedError as error:
        return error.cause
    return ""


def _wait_off(
    domains: Domains, steps: Sequence[Step], clock: Clock, timeout_seconds: float
) -> list[Step]:
    """Steps whose guests are not off when the time is over."""
    deadline = clock.now() + timeout_seconds
    left = list(steps)
    while True:
        left = [step for step in left if _state(domains, step.owner) not in _OFF]
        if not left or clock.now() >= deadline:
            return left
        clock.sleep(POLL_SECONDS)


def _destroy(domains: Domains, step: Step, clock: Clock) -> str:
    try:
        domains.destroy(step.owner)
    except WriteRefusedError as error:
        # It may have gone off by itself in this moment.
        return "" if _state(domains, step.owner) in _OFF else error.cause
    left = _wait_off(domains, [step], clock, SETTLE_SECONDS)
    return "it is still there after its power was cut" if left else ""


def _ignored(domains: Domains, step: Step, timeout_seconds: float) -> str:
    state = _state(domains, step.owner)
    if not state:
        return "libvirt does not say whether it is off"
    if state == "paused":
        return "it is paused and cannot see its power button: resume it, or use --force"
    return (
        f"it has not shut down within {timeout_seconds:g} seconds; its policies stay in force. "
        "Wait longer with --timeout, shut it down from within, or use --force"
    )


def _state_in_time(domains: Domains, uuid: str, clock: Clock) -> str:
    """The state, once libvirt answers; what it is when the time is over."""
    deadline = clock.now() + SETTLE_SECONDS
    while True:
        state = _state(domains, uuid)
        if state or clock.now() >= deadline:
            return state or "not known: libvirt does not answer"
        clock.sleep(POLL_SECONDS)


def _state(domains: Domains, uuid: str) -> str:
    """The state; "" while libvirt does not answer."""
    try:
        return domains.state(uuid)
    except WriteRefusedError:
        return ""
