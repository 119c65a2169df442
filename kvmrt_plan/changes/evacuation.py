# SPDX-License-Identifier: Apache-2.0
"""CPUs that become an RT VM's own go offline and come back once.

A timer, or work that starts itself again (psi_avgs_work, a network driver's watchdog), goes on where it was
begun, and no file of the kernel moves it; a CPU that goes offline gives it to others. That is done when the
partition stands, and interrupts, unbound work and siblings have left: nothing can be begun there anew. It
has no state: the value before is the one after, and the next plan does not have it, because the partition
stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.bound_threads import GuestThreads
from kvmrt_plan.changes.change import Change, Disturbance, Kind, Reason, ReasonCode
from kvmrt_plan.facts.slices import vm_slice
from kvmrt_plan.placement.evacuation import evacuations
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.changes.change import Considered
    from kvmrt_plan.changes.masks import Masks
    from kvmrt_plan.desired.model import HostPolicy


def evacuation_changes(
    policy: HostPolicy, masks: Masks, considered: Sequence[Considered]
) -> Iterator[Change]:
    """One change per CPU.

    Args:
        policy: of the host.
        masks: the host and the placement.
        considered: changes of others, partitions and pins of guests among them.
    """
    partitions = {one.address for one in considered if one.kind is Kind.PARTITION}
    guests = GuestThreads(masks.facts, considered)
    for placed, cpus in evacuations(policy, masks.facts, masks.placement):
        unit = vm_slice(placed.vm.uuid)
        if f"partition/{unit}" not in partitions:
            continue
        reason = Reason(
            code=ReasonCode.HOST_POLICY,
            text=f"evacuate_cpus is true and {masks.reasons.leaving(cpus).text}",
            source=policy.source_of("evacuate_cpus"),
        )
        for cpu in cpus:
            bound = guests.on(CpuSet((cpu,)))
            if bound.staying:
                # The kernel would forget what the threads were bound to.
                continue
            yield Change(
                kind=Kind.CPU_EVACUATION,
                address=f"cpu/{cpu}/evacuated",
                before="online",
                after="online",
                disturbance=Disturbance.ALL_CPUS,
                reason=reason,
                requires=(f"vm-slice/{unit}", f"partition/{unit}", *bound.pins),
            )
