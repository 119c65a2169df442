# SPDX-License-Identifier: Apache-2.0
"""Huge pages are there before the RT VMs that want them start.

Counted per NUMA node and page size over all RT VMs that hold their policies: what is in use, plus what VMs
that are off will take. Pages that are free already count, so that a host that reserves enough at boot is
left alone. A release lowers the pool to what it had before the first write, and never below what is in
use: only what was added here goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import (
    Change,
    Considered,
    Disturbance,
    Kind,
    Reason,
    ReasonCode,
    unless_right,
)
from kvmrt_plan.changes.masks import released
from kvmrt_plan.desired.model import PageSize
from kvmrt_plan.domainxml.document import parse_domain
from kvmrt_plan.domainxml.memory import memory_kib

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kvmrt_plan.changes.masks import Masks
    from kvmrt_plan.desired.model import HostPolicy
    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.hugepages import HugepagePool
    from kvmrt_plan.placement.model import Placement, VmPlacement

SIZE_KIB = {PageSize.SIZE_2M: 2048, PageSize.SIZE_1G: 1048576}


@dataclass(slots=True)
class Demand:
    """Pages of one size on one node."""

    #: What VMs take when they start.
    pages: int = 0
    #: What VMs have that run with such pages.
    running: int = 0
    names: list[str] = field(default_factory=list)


def hugepage_address(pool: HugepagePool) -> str:
    """`hugepages/node1/1048576`; a host without NUMA has `hugepages/host/...`."""
    place = "host" if pool.node is None else f"node{pool.node}"
    return f"hugepages/{place}/{pool.size_kib}"


def hugepage_changes(policy: HostPolicy, masks: Masks) -> Iterator[Considered]:
    """A change for each pool that is too small, and for those that are given back."""
    facts = masks.facts
    wanted = demands(masks.placement, facts) if policy.reserve_hugepages else {}
    for pool in facts.hugepages:
        address = hugepage_address(pool)
        demand = wanted.get((pool.node, pool.size_kib), Demand())
        held = facts.held.get(address)
        is_ours = held is not None and held.written == str(pool.total)
        if not demand.names and not is_ours:
            continue
        before = int(held.original or "0") if held is not None and is_ours else pool.total
        in_use = max(pool.total - pool.free, demand.running)
        total = max(before, in_use + demand.pages)
        yield _consider(address, pool, total, _reason(policy, demand))


def demands(placement: Placement, facts: HostFacts) -> Mapping[tuple[int | None, int], Demand]:
    """What RT VMs with huge pages need, by node and size in KiB.

    Raises:
        DomainXmlError: a domain's XML cannot be read.
    """
    found: dict[tuple[int | None, int], Demand] = {}
    for placed in placement.vms:
        domain = facts.domains.get(placed.vm.uuid)
        if placed.vm.hugepages is None or not placed.holds_policies or domain is None:
            continue
        size_kib = SIZE_KIB[placed.vm.hugepages]
        needed = memory_kib(parse_domain(domain.xml or domain.live_xml, domain=domain.name))
        is_backed = _is_backed(domain)
        for node, pages in _spread(-(-(needed or 0) // size_kib), _nodes(placed, facts)):
            demand = found.setdefault((node, size_kib), Demand())
            demand.names.append(placed.vm.name)
            if is_backed:
                demand.running += pages
            else:
                demand.pages += pages
    return found


def _is_backed(domain: Domain) -> bool:
    """Whether the guest runs with huge pages, and so has them."""
    if not domain.is_running:
        return False
    root = parse_domain(domain.live_xml, domain=domain.name)
    return root.find("memoryBacking/hugepages") is not None


def _nodes(placed: VmPlacement, facts: HostFacts) -> tuple[int | None, ...]:
    if all(pool.node is None for pool in facts.hugepages):
        return (None,)
    return tuple(facts.cpus.nodes if placed.nodes is None else placed.nodes)


def _spread(pages: int, nodes: tuple[int | None, ...]) -> Iterator[tuple[int | None, int]]:
    """Evenly, the first nodes take what is left over."""
    share, rest = divmod(pages, len(nodes) or 1)
    for place, node in enumerate(nodes):
        yield node, share + (place < rest)


def _reason(policy: HostPolicy, demand: Demand) -> Reason:
    if not demand.names:
        return released()
    names = " and ".join(sorted(demand.names))
    return Reason(
        code=ReasonCode.HOST_POLICY,
        text=f"reserve_hugepages is true, and {names} {'needs' if len(demand.names) == 1 else 'need'} "
        f"{demand.pages + demand.running}",
        source=policy.source_of("reserve_hugepages"),
    )


def _consider(address: str, pool: HugepagePool, total: int, reason: Reason) -> Considered:
    return unless_right(
        Change(
            kind=Kind.HUGEPAGES,
            address=address,
            before=str(pool.total),
            after=str(total),
            disturbance=Disturbance.HOST,
            reason=released() if total < pool.total else reason,
        )
    )
