# SPDX-License-Identifier: Apache-2.0
"""`--allow guest-restart`: guests whose written settings wait for a restart are restarted.

Through the guest's power button and never by cutting its power: a guest that ignores it runs on with its
old settings, which stay pending. Its policies stay in force meanwhile.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kvmrt_plan.apply.guests import Clock, Starting, Stopping, start_guests, stop_guests
from kvmrt_plan.apply.journal import START, STOP
from kvmrt_plan.apply.step import Step
from kvmrt_plan.changes.change import Activation, Kind
from kvmrt_plan.changes.domain_state import RUNNING, SHUT_OFF
from kvmrt_plan.pipeline import plan_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmrt_plan.apply.journal import Header
    from kvmrt_plan.apply.run import Site
    from kvmrt_plan.cli.progress import Progress
    from kvmrt_plan.desired.model import VirtualMachine
    from kvmrt_plan.plan.goal import Goal

#: How long a guest may take to go off.
TIMEOUT_SECONDS = 60.0
_CLOCK = Clock(now=time.monotonic, sleep=time.sleep)


def restart_waiting(
    site: Site, goal: Goal, header_of: Callable[..., Header], progress: Progress
) -> int:
    """Restart the guests that run with settings of before, one after the other.

    Args:
        site: the host, under the lock.
        goal: tells which settings a guest should run with.
        header_of: makes the header of a run; takes `purpose`.
        progress: is told of each guest.

    Returns:
        The exit code: 1 when a guest was not restarted.
    """
    pending = plan_host(goal, site.host.capture()).pending
    owners = {one.owner for one in pending if one.activation is Activation.GUEST_RESTART}
    code = 0
    for vm in goal.configuration.vms:
        if str(vm.uuid) in owners:
            problem = _restart(site, vm, header_of)
            progress.restarted(vm.name, problem)
            code = 1 if problem else code
    return code


def _restart(site: Site, vm: VirtualMachine, header_of: Callable[..., Header]) -> str:
    """Why the guest was not restarted; "" when it was."""
    off = Step(1, Kind.DOMAIN_STATE, f"vm/{vm.name}/state", RUNNING, SHUT_OFF, str(vm.uuid))
    stopping = Stopping(clock=_CLOCK, timeout_seconds=TIMEOUT_SECONDS)
    stopped = stop_guests(site, header_of(purpose=STOP), [off], stopping)
    if 1 in stopped.causes:
        return stopped.causes[1]
    starting = Starting(clock=_CLOCK)
    started = start_guests(site, header_of(purpose=START), [off.reversed()], starting)
    return started.causes.get(1, "")
