# SPDX-License-Identifier: Apache-2.0
"""The map of a host as a value: nodes and sockets, in them cores, in them a cell per hardware thread.

Text, SVG and HTML draw the same value, so that they cannot tell different stories.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from kvmrt_plan.placement.cores import cores_of
from kvmrt_plan.values.cpuset import EMPTY, CpuSet
from kvmrt_plan.views.map_owners import Claim, Owner, claims_by_cpu, find_owners

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kvmrt_plan.facts.cpu import CpuTopology
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement
    from kvmrt_plan.views.map_state import MapState


class Role(StrEnum):
    """What a CPU is for."""

    EMULATOR = "emulator"
    VCPU = "vCPU"
    #: An emulator thread and vCPUs, or several vCPUs, of one VM.
    SEVERAL = "several threads"
    SIBLING = "sibling of an RT VM"
    SHARED = "several VMs"
    HOUSEKEEPING = "housekeeping"
    FREE = "free"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One hardware thread, or the same thread of several cores that are folded into one."""

    cpus: CpuSet
    role: Role
    #: Letters of the VMs it belongs to.
    letters: tuple[str, ...] = ()
    #: Which vCPUs run here, "" for other roles: `0`, `0-3`.
    vcpus: str = ""
    is_online: bool = True
    #: Interrupts in use that may come here.
    irqs: CpuSet = EMPTY
    #: Whether tasks of the host may run here; None where the host does not say.
    has_tasks: bool | None = None
    #: How it differs from the configuration.
    deviations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """A box: the hardware threads of one core; `count` cores where it stands for several."""

    cells: tuple[Cell, ...]
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Cores on the same NUMA node and socket."""

    heading: str
    cores: tuple[Core, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMap:
    """All CPUs that are present, each in exactly one cell."""

    host: str
    captured: str
    #: What it shows, beside others: `before`, `after`; "" where it stands alone.
    title: str = ""
    places: tuple[Place, ...]
    #: VMs that have a letter.
    owners: tuple[Owner, ...]

    def cells(self) -> Iterable[Cell]:
        """All cells, in the order they are drawn."""
        return (cell for place in self.places for core in place.cores for cell in core.cells)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSource:
    """What maps are made from: one host, with its configuration where there is one."""

    facts: HostFacts
    placement: Placement | None = None
    #: All states that are drawn, so that a VM has the same letter in each.
    states: tuple[MapState, ...] = field(default=())


def host_map(
    source: MapSource,
    state: MapState,
    *,
    title: str = "",
    deviations: Mapping[int, tuple[str, ...]] | None = None,
) -> HostMap:
    """The map of one state."""
    facts, placement = source.facts, source.placement
    owners = find_owners(facts, placement, source.states or (state,))
    claims = claims_by_cpu(owners, state)
    # Which interrupts may come to a CPU, and whether anything else may run there.
    irqs: dict[int, list[int]] = {}
    for number, cpus in state.routes.items():
        for cpu in cpus & state.online:
            irqs.setdefault(cpu, []).append(number)
    open_cpus = EMPTY
    for cpus in state.tasks.values():
        open_cpus |= cpus
    unlike = deviations or {}

    def cell(cpu: int) -> Cell:
        is_online = cpu in state.online
        role, letters, vcpus = _role(claims.get(cpu, []))
        return Cell(
            cpus=CpuSet((cpu,)),
            role=role or _own_role(cpu, source, is_online=is_online),
            letters=letters,
            vcpus=vcpus,
            is_online=is_online,
            irqs=CpuSet(irqs.get(cpu, ())),
            has_tasks=(cpu in open_cpus and is_online) if state.tasks else None,
            deviations=unlike.get(cpu, ()),
        )

    return HostMap(
        host=facts.name,
        captured=facts.captured,
        title=title,
        places=tuple(
            Place(
                heading=heading,
                cores=tuple(Core(cells=tuple(map(cell, core))) for core in cores),
            )
            for heading, cores in places_of(facts.cpus)
        ),
        owners=tuple(one for one in owners if one.has_cpus),
    )


def _role(claims: list[Claim]) -> tuple[Role | None, tuple[str, ...], str]:
    """The role that the claims on one CPU make, whose it is, and which vCPUs it runs."""
    letters = tuple(claim.letter for claim in claims)
    if not claims:
        return None, (), ""
    if len(claims) > 1:
        return Role.SHARED, letters, ""
    claim = claims[0]
    vcpus = str(CpuSet(claim.vcpus))
    if claim.is_emulator + len(claim.vcpus) > 1:
        return Role.SEVERAL, letters, vcpus
    if claim.is_emulator:
        return Role.EMULATOR, letters, ""
    return (Role.VCPU if claim.vcpus else Role.SIBLING), letters, vcpus


def _own_role(cpu: int, source: MapSource, *, is_online: bool) -> Role:
    """What a CPU is that no VM owns. Without a configuration the kernel's boot arguments say which
    CPUs the host's own work stays away from.
    """
    if not is_online:
        return Role.OFFLINE
    placement, kernel = source.placement, source.facts.kernel
    is_kept = cpu not in kernel.isolated if placement is None else cpu in placement.housekeeping
    return Role.HOUSEKEEPING if is_kept else Role.FREE


def places_of(topology: CpuTopology) -> list[tuple[str, list[CpuSet]]]:
    """Cores by node and socket, each in the order of its lowest CPU; unknown places come last."""
    unknown = float("inf")
    found: dict[tuple[float, float], list[CpuSet]] = {}
    for core in dict.fromkeys(cores_of(topology).values()):
        present = core & topology.present
        if present:
            found.setdefault(_place(present, topology), []).append(present)
    places = []
    for node, socket in sorted(found):
        words = [f"node {node:g}"] if node != unknown else []
        words += [f"socket {socket:g}"] if socket != unknown else []
        heading = ", ".join(words) or "place not known"
        places.append((heading, sorted(found[node, socket], key=lambda core: core.first)))
    return places


def _place(core: CpuSet, topology: CpuTopology) -> tuple[float, float]:
    """Node and socket of the core, by whichever of its CPUs tells them; an offline one does not."""
    cpus = [topology.cpus[cpu] for cpu in core if cpu in topology.cpus]
    nodes = [cpu.node for cpu in cpus if cpu.node is not None]
    # -1 is a package without a number.
    sockets = [cpu.socket for cpu in cpus if cpu.socket is not None and cpu.socket >= 0]
    unknown = float("inf")
    return min(nodes, default=unknown), min(sockets, default=unknown)
