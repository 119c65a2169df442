# SPDX-License-Identifier: Apache-2.0
"""What the rules look at: the configuration, placed on a host or on CPUs that are taken for granted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kvmrt_plan.domainxml.document import parse_domain
from kvmrt_plan.facts.cpu import Cpu, CpuTopology
from kvmrt_plan.placement.cores import cores_of
from kvmrt_plan.placement.place import place_on, returning_cpus
from kvmrt_plan.values.cpuset import EMPTY, CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from lxml.etree import _Element

    from kvmrt_plan.desired.model import Configuration
    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement, VmPlacement


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A configuration with its placement, and what several rules ask of them."""

    configuration: Configuration
    topology: CpuTopology
    placement: Placement
    #: The hardware threads of each CPU's core, by CPU.
    cores: Mapping[int, CpuSet]
    #: The RT VMs that have a cpuset, with their share.
    rt: tuple[VmPlacement, ...]
    #: Union of what they own, whether they run or not.
    rt_owned: CpuSet
    #: CPUs that are offline and that the plan brings back.
    returning: CpuSet = EMPTY
    _roots: dict[UUID, _Element] = field(default_factory=dict, compare=False, repr=False)

    def others(self, one: VmPlacement) -> list[VmPlacement]:
        """All VMs but this one, in the order of the file."""
        return [other for other in self.placement.vms if other is not one]

    def definition(self, domain: Domain) -> _Element:
        """The root of the domain's persistent XML, or of the live one when it has no other.

        Raises:
            DomainXmlError: the XML cannot be read.
        """
        if domain.uuid not in self._roots:
            text = domain.xml or domain.live_xml
            self._roots[domain.uuid] = parse_domain(text, domain=domain.name)
        return self._roots[domain.uuid]


def subject_on_host(
    configuration: Configuration, facts: HostFacts, placement: Placement
) -> Subject:
    """The configuration on a host."""
    made = _subject(configuration, facts.cpus, placement)
    return replace(made, returning=returning_cpus(facts, placement))


def subject_without_host(configuration: Configuration) -> Subject:
    """The configuration where every CPU that it names exists and is a core of its own."""
    named = union(vm.cpuset for vm in configuration.vms)
    topology = CpuTopology(
        cpus={cpu: Cpu(id=cpu, is_online=True, siblings=CpuSet((cpu,))) for cpu in named},
        nodes={},
        present=named,
        online=named,
        recorded_siblings={},
    )
    active = [vm.uuid for vm in configuration.vms if vm.autostart]
    return _subject(configuration, topology, place_on(configuration, topology, active=active))


def _subject(configuration: Configuration, topology: CpuTopology, placement: Placement) -> Subject:
    rt = tuple(one for one in placement.vms if one.vm.rt and one.vm.cpuset)
    return Subject(
        configuration=configuration,
        topology=topology,
        placement=placement,
        cores=cores_of(topology),
        rt=rt,
        rt_owned=union(one.owned for one in rt),
    )
