# SPDX-License-Identifier: Apache-2.0
"""Drift: what kvmrt had written, what stands there now, and what is known of the cause.

Known is what kvmrt has written (the held values), what runs beside it, and which CPUs came or went since:
a written list that names a CPU which is offline now tells that it was online then. Nobody notes who writes
a file of the kernel, so a cause is named only where something on the host explains the value, and the text
says when nothing does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Change, Kind
from kvmrt_plan.facts.kthreads import KCOMPACTD, is_forgotten
from kvmrt_plan.facts.net_queues import VIRTIO_QUEUE
from kvmrt_plan.facts.slices import ISOLATED, vm_slice
from kvmrt_plan.rules.wording import cpus_named, listed
from kvmrt_plan.values.cpuset import EMPTY, CpuListError, CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement

#: Who writes the frequency's settings, as in rules/writers.py.
_POWER = ("power-profiles-daemon", "thermald", "tlp")
_SET_PROPERTY = "it was given CPUs (systemctl set-property, or a drop-in and daemon-reload)"
_MOVED = "somebody moved the thread (virsh vcpupin, taskset), or its CPU was offline for a time"
_EVICTED = "a partition was made or ended since, and the kernel forgot where the thread was bound"
_UNKNOWN = "somebody with root rights has written it; the kernel does not note who"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One value that is not what kvmrt had made it."""

    kind: Kind
    address: str
    label: str
    #: What kvmrt had made it; None: absent.
    written: str | None
    present: str | None
    #: A clause: what explains it, or that nothing does.
    cause: str


def find_drift(
    changes: Sequence[Change], facts: HostFacts, placement: Placement
) -> tuple[Drift, ...]:
    """The drift that a plan repairs, and CPUs of the host that somebody took offline; what has the same cause
    stands together, else in the order of the changes.
    """
    if not facts.holders:
        return ()
    causes = _Causes(facts, placement)
    found = [*causes.gone_cpus(), *causes.of_changes(changes)]
    order = list(dict.fromkeys(one.cause for one in found))
    return tuple(sorted(found, key=lambda one: order.index(one.cause)))


class _Causes:
    def __init__(self, facts: HostFacts, placement: Placement) -> None:
        self._facts = facts
        self._vms = [one for one in placement.vms if one.vm.uuid in facts.holders]
        online = facts.cpus.online
        kept = {
            one.written for name, one in facts.held.items() if name.startswith(("irq/", "work"))
        }
        #: CPUs of the host that were online when kvmrt wrote, and those of VMs.
        self.gone = (union(map(_cpus, kept)) & facts.cpus.offline) - placement.isolated
        self.lost = union(one.used for one in self._vms) & facts.cpus.offline
        self.come = CpuSet(
            int(address.removeprefix("cpu/")) for address, one in facts.held.items()
            if address.startswith("cpu/") and one.written == "offline"
        ) & online  # fmt: skip

    def gone_cpus(self) -> Iterator[Drift]:
        """CPUs of the host that nothing brings back: whoever took them knows why."""
        for cpu in self.gone:
            yield Drift(
                kind=Kind.CPU_ONLINE,
                address=f"cpu/{cpu}",
                label="",
                written="online",
                present="offline",
                cause="it was the host's and was taken offline; kvmrt leaves it so and does without it",
            )

    def of_changes(self, changes: Sequence[Change]) -> Iterator[Drift]:
        """What was written and differs now."""
        definitions = {one.address for one in changes if one.kind is Kind.DOMAIN_XML}
        for change in changes:
            is_ours, written = self._written(change, definitions)
            if is_ours and written != change.before:
                yield Drift(
                    kind=change.kind,
                    address=change.address,
                    label=change.label,
                    written=written,
                    present=change.before,
                    cause=self._cause(change, written),
                )

    def _written(self, change: Change, definitions: set[str]) -> tuple[bool, str | None]:
        """Whether kvmrt had made it something, and what."""
        held = self._facts.held.get(change.address)
        if held is not None:
            return True, held.written
        if change.kind is Kind.CPU_ONLINE:
            return change.after == "online", "online"
        if change.kind is Kind.PARTITION_LIFT:
            units = {f"partition/{vm_slice(one.vm.uuid)}/lifted" for one in self._vms}
            return change.before != ISOLATED and change.address in units, ISOLATED
        if change.kind is Kind.DOMAIN_LIVE_PIN:
            # Where the definition says so already it was kvmrt that wrote it.
            is_new = change.address.replace("/live/", "/") in definitions
            is_holder = any(str(one.vm.uuid) == change.owner for one in self._vms)
            return is_holder and not is_new, change.after
        return False, None

    def _cause(self, change: Change, written: str | None) -> str:
        by_kind: dict[Kind, Callable[[], str]] = {
            Kind.IRQ_AFFINITY: lambda: self._of_interrupt(change, _cpus(written)),
            Kind.NET_QUEUE: lambda: self._of_interrupt(change, _cpus(written)),
            Kind.CPU_ONLINE: lambda: _of_cpu(change),
            Kind.PARTITION_LIFT: lambda: self._of_partition(change),
            Kind.DOMAIN_LIVE_PIN: lambda: self._of_thread(_cpus(written)),
            Kind.KERNEL_THREAD_CPUS: lambda: self._of_kthread(change),
            Kind.SLICE_CPUS: lambda: _SET_PROPERTY,
            Kind.VM_SLICE: lambda: _SET_PROPERTY,
            Kind.CPU_POWER: lambda: self._service(*_POWER),
            Kind.SYSCTL: lambda: self._service("ksmtuned"),
        }
        known = by_kind[change.kind]() if change.kind in by_kind else ""
        return known or self._tuned() or _UNKNOWN

    def _of_interrupt(self, change: Change, written: CpuSet) -> str:
        is_spread = (
            change.kind is Kind.NET_QUEUE or VIRTIO_QUEUE.fullmatch(change.label) is not None
        )
        switched = self._switched()
        if is_spread and switched:
            return f"{switched}, and with every CPU that comes or goes virtio_net spreads its queues anew"
        held = self._facts.held.get(change.address)
        if switched and held is not None and held.original == change.before:
            return f"{switched} before it had moved, and the kernel forgot where it was to go"
        if written and not written & self._facts.cpus.online:
            return (
                f"{cpus_named(written)} went offline, and the kernel opened it to all that are left"
            )
        if self._facts.services.irqbalance.is_running and change.kind is Kind.IRQ_AFFINITY:
            return "irqbalance is running and places interrupts"
        if is_spread:
            return (
                "its driver has spread its queues anew: it does so when the interface is made, when the "
                "number of its queues changes, and with every CPU that comes or goes"
            )
        return ""

    def _switched(self) -> str:
        """Which CPUs have come and gone since kvmrt wrote, as a clause; "" when none has."""
        parts = []
        if self.come:
            parts.append(f"{cpus_named(self.come)} came online")
        if gone := self.gone | self.lost:
            parts.append(f"{cpus_named(gone)} went offline")
        return listed(parts)

    def _of_partition(self, change: Change) -> str:
        unit = change.address.split("/")[1]
        slices = self._facts.slices
        owned = (slices.by_name[unit].allowed if unit in slices.by_name else None) or EMPTY
        takers = [
            f"{one.name} has been given {cpus_named(one.allowed & owned)}"
            for one in slices.slices
            if one.name != unit and one.allowed and one.allowed & owned
        ]
        if takers:
            return listed(takers)
        return "another unit had one of its CPUs, or they were all offline, for a time"

    def _of_thread(self, written: CpuSet) -> str:
        if lost := written & self.lost:
            return f"{cpus_named(lost)} went offline, and the kernel moved the thread"
        return self._service("numad") or self._tuned() or _MOVED

    def _of_kthread(self, change: Change) -> str:
        held = self._facts.held.get(change.address)
        if held is None or not is_forgotten(held, _cpus(change.before)):
            return ""
        switched = self._switched()
        if switched and change.address.startswith(f"kthread/{KCOMPACTD}"):
            return f"{switched}, and with every CPU that comes the kernel binds it to its node"
        return _EVICTED

    def _service(self, *names: str) -> str:
        running = [name for name in names if name in self._facts.services.running]
        return f"{listed(running)} may have written it, and still run" if running else ""

    def _tuned(self) -> str:
        profile = self._facts.services.tuned_profile
        if profile is None:
            return ""
        return f"TuneD is running (profile {profile or 'none'}) and may have written it"


def _of_cpu(change: Change) -> str:
    if change.after == "offline":
        return "somebody with root rights brought it online (chcpu, or smt/control)"
    return "somebody with root rights took it offline (chcpu), and the kernel moved what ran there"


def _cpus(text: str | None) -> CpuSet:
    """A value as CPUs; none when it is something else."""
    try:
        return CpuSet.parse(text or "")
    except CpuListError:
        return EMPTY
