# SPDX-License-Identifier: Apache-2.0
"""Whose a CPU is, for maps: VMs with their letters, and what each claims of a CPU.

Where a VM's threads run is told by its pins in libvirt; the configuration adds which cores a real-time VM
owns whole. A VM that libvirt does not have is drawn where the configuration would put it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.values.cpuset import EMPTY, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement, VmPlacement
    from kvmrt_plan.views.map_state import MapState


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """One VM; its place in the list decides its colour and pattern."""

    letter: str
    uuid: str
    #: As it is; escaped by whoever prints it.
    name: str
    #: `RT, running`, `shut off`, `RT, as configured`.
    state: str
    #: All CPUs of an RT VM's cores.
    owned: CpuSet
    #: Pins that take the place of libvirt's, for a VM that libvirt does not have; None: libvirt has it.
    planned: Mapping[str, CpuSet] | None
    #: Whether it has a CPU in any state that is drawn.
    has_cpus: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a CPU does for one VM; neither emulator nor vCPU: it is only kept free for it."""

    letter: str
    is_emulator: bool
    vcpus: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vm:
    uuid: str
    name: str
    placed: VmPlacement | None


def find_owners(
    facts: HostFacts, placement: Placement | None, states: Sequence[MapState]
) -> tuple[Owner, ...]:
    """All VMs in the order of the configuration, then libvirt's others by name; those with CPUs have
    letters: A to Z, then AA, AB and so on.
    """
    owners, letters = [], 0
    for vm in _vms(facts, placement):
        owned = vm.placed.owned if vm.placed is not None and vm.placed.vm.rt else EMPTY
        planned = _planned(vm, facts)
        tables = [planned or {}, *(state.pins.get(vm.uuid, {}) for state in states)]
        has_cpus = bool(owned) or any(map(any, (table.values() for table in tables)))
        owners.append(
            Owner(
                letter=_letter(letters) if has_cpus else "",
                uuid=vm.uuid,
                name=vm.name,
                state=_state(vm, facts),
                owned=owned,
                planned=planned,
                has_cpus=has_cpus,
            )
        )
        letters += has_cpus
    return tuple(owners)


def claims_by_cpu(owners: Iterable[Owner], state: MapState) -> dict[int, list[Claim]]:
    """What the VMs claim of each CPU that any of them claims."""
    found: dict[int, list[Claim]] = {}
    for owner in owners:
        pins = state.pins.get(owner.uuid, {}) if owner.planned is None else owner.planned
        vcpus: dict[int, list[int]] = {}
        for key, cpus in pins.items():
            kind, _, number = key.partition(" ")
            if kind == "vcpupin":
                for cpu in cpus:
                    vcpus.setdefault(cpu, []).append(int(number))
        emulator = pins.get("emulatorpin", EMPTY)
        for cpu in owner.owned | emulator | CpuSet(vcpus):
            claim = Claim(
                letter=owner.letter,
                is_emulator=cpu in emulator,
                vcpus=tuple(sorted(vcpus.get(cpu, ()))),
            )
            found.setdefault(cpu, []).append(claim)
    return found


def _vms(facts: HostFacts, placement: Placement | None) -> Iterator[_Vm]:
    placed = placement.vms if placement is not None else ()
    known = {str(one.vm.uuid) for one in placed}
    for one in placed:
        yield _Vm(uuid=str(one.vm.uuid), name=one.vm.name, placed=one)
    for domain in sorted(facts.domains.values(), key=lambda domain: (domain.name, domain.uuid)):
        if str(domain.uuid) not in known:
            yield _Vm(uuid=str(domain.uuid), name=domain.name, placed=None)


def _planned(vm: _Vm, facts: HostFacts) -> dict[str, CpuSet] | None:
    if vm.placed is None or vm.placed.vm.uuid in facts.domains:
        return None
    pins = {f"vcpupin {index}": cpus for index, cpus in enumerate(vm.placed.vcpus)}
    return {"emulatorpin": vm.placed.emulator, **pins}


def _state(vm: _Vm, facts: HostFacts) -> str:
    is_rt = vm.placed is not None and vm.placed.vm.rt
    domain = next((one for one in facts.domains.values() if str(one.uuid) == vm.uuid), None)
    state = domain.state if domain is not None else "as configured, not in libvirt"
    return f"RT, {state}" if is_rt else state


def _letter(number: int) -> str:
    high, low = divmod(number, 26)
    return (_letter(high - 1) if high else "") + chr(ord("A") + low)
