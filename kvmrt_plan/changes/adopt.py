# SPDX-License-Identifier: Apache-2.0
"""From a libvirt domain to the configuration that would leave it as it is: planning backwards.

`desired_from_domain` inverts `domain_target.py`, and `left_over` proves it: what a plan for the result
would still change. What a configuration cannot say (pins of another shape, memory nodes without pins) is
left out of it, because the plan leaves such settings alone (`placement/bias.py`).

libvirt does not know whether a VM is a real-time VM, so rt is never taken from it and never taken away.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kvmrt_plan.changes.change import Change, Kind
from kvmrt_plan.changes.domain import domain_changes
from kvmrt_plan.changes.machine_target import MACHINE_KEYS, machine_of
from kvmrt_plan.changes.scheduler_target import ATTRIBUTE_OF, schedulers_of
from kvmrt_plan.desired.model import Configuration, GuestTopology, PageSize, Pinning, VirtualMachine
from kvmrt_plan.domainxml.document import parse_domain, read_settings
from kvmrt_plan.placement.bias import cpuset_behind, is_pin
from kvmrt_plan.placement.place import place_on
from kvmrt_plan.values.cpuset import EMPTY, CpuListError, CpuSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts

_PAGES = {"2048": PageSize.SIZE_2M, "1048576": PageSize.SIZE_1G}
_ATTRIBUTES = {
    "name": ("name",), "title": ("title",), "description": ("description",),
    "vcpus": ("nr_vcpus",), "topology": ("cpu_topology",), "kvm-hidden": ("hide_kvm",),
    "memory-locked": ("rt_memory",), "numatune": ("numatune",), "hugepages": ("hugepages",),
    "iothreads": ("iothreads",), "autostart": ("autostart",),
    **{key: (attribute,) for key, attribute in {**MACHINE_KEYS, **ATTRIBUTE_OF}.items()},
}  # fmt: skip
_BIAS = ("cpuset", "pinning")
#: What follows from rt: libvirt's value says nothing about what the user wants.
_OF_REAL_TIME = frozenset({"rt_memory", "autostart"})
#: libvirt's definition, as opposed to the threads of a running guest.
_DEFINITIONS = frozenset({Kind.DOMAIN_XML, Kind.DOMAIN_RENAME, Kind.DOMAIN_AUTOSTART})


def desired_from_domain(domain: Domain, *, with_further: bool) -> VirtualMachine:
    """The VM that leaves the domain as it is.

    Args:
        domain: a persistent one.
        with_further: whether the file can say more than KVM-RT's twelve attributes, as YAML can.

    Raises:
        DomainXmlError: its XML cannot be read.
        ValueError: a setting is none that libvirt would give.
    """
    settings = read_settings(parse_domain(domain.xml, domain=domain.name))
    cpuset = cpuset_behind(settings)
    nr_vcpus = int(settings.get("vcpus", "1"))
    return VirtualMachine(
        uuid=domain.uuid,
        name=domain.name,
        title=settings.get("title", ""),
        description=settings.get("description", ""),
        nr_vcpus=nr_vcpus,
        cpu_topology=_topology(settings, nr_vcpus),
        cpuset=cpuset or EMPTY,
        rt_memory=True if "memory-locked" in settings else None,
        numatune=_numatune(settings, is_bound=bool(cpuset)),
        hide_kvm="kvm-hidden" in settings,
        autostart=domain.has_autostart,
        pinning=Pinning.LIBVIRT if cpuset is None and with_further else Pinning.AUTO,
    )


def updated_from_domain(
    vm: VirtualMachine, domain: Domain, facts: HostFacts, *, with_further: bool
) -> VirtualMachine:
    """The VM with libvirt's value of every attribute for which the plan has a change.

    Attributes that the plan is content with keep their words: auto stays auto.

    Raises:
        DomainXmlError, ValueError: as `desired_from_domain`.
    """
    fresh = _with_further(desired_from_domain(domain, with_further=with_further), domain)
    kept = set(_OF_REAL_TIME) if vm.rt else set()
    if vm.rt and not fresh.cpuset:
        kept.update(_BIAS)
    updated = vm
    # The number of vCPUs decides what pins and an absent topology amount to: look again after it.
    for _ in range(3):
        names = _changed_attributes(updated, domain, facts) - kept
        values = {name: getattr(fresh, name) for name in names}
        if not with_further:
            values.pop("pinning", None)
        changed = replace(updated, **values)
        if changed == updated:
            break
        updated = changed
    return updated


def left_over(vm: VirtualMachine, domain: Domain, facts: HostFacts) -> tuple[Change, ...]:
    """What a plan for this VM would change in libvirt's definition of it.

    Raises:
        DomainXmlError: its XML cannot be read.
    """
    return tuple(one for one in _changes(vm, domain, facts) if one.kind in _DEFINITIONS)


def _changes(vm: VirtualMachine, domain: Domain, facts: HostFacts) -> list[Change]:
    placement = place_on(Configuration(vms=(vm,)), facts.cpus, active=())
    known = replace(facts, domains={domain.uuid: domain})
    considered = domain_changes(placement.vms[0], known)
    return [one for one in considered if isinstance(one, Change)]


def _changed_attributes(vm: VirtualMachine, domain: Domain, facts: HostFacts) -> set[str]:
    changed = {"name"} if vm.name != domain.name else set()
    for change in left_over(vm, domain, facts):
        key = change.address.removeprefix(f"vm/{vm.name}/")
        is_bias = is_pin(key) or key in {"vcpu-cpuset", "vcpu-placement"}
        changed.update(_BIAS if is_bias else _ATTRIBUTES.get(key.partition(" ")[0], ()))
    return changed


def _with_further(fresh: VirtualMachine, domain: Domain) -> VirtualMachine:
    """With the further attributes as well, for those that a VM manages already."""
    settings = read_settings(parse_domain(domain.xml, domain=domain.name))
    values: dict[str, Any] = {
        **machine_of(settings),
        "hugepages": _PAGES.get(settings.get("hugepages", "")),
        "iothreads": int(settings.get("iothreads", "0")),
        **schedulers_of(settings, fresh.nr_vcpus),
    }
    return replace(fresh, **values)


def _topology(settings: Mapping[str, str], nr_vcpus: int) -> GuestTopology | None:
    """Auto where it says the same: without an element every vCPU is a socket of its own."""
    text = settings.get("topology", f"{nr_vcpus},1,1")
    sockets, cores, threads = (int(number) for number in text.split(","))
    topology = GuestTopology(sockets, cores, threads)
    return None if topology == GuestTopology(1, nr_vcpus, 1) else topology


def _numatune(settings: Mapping[str, str], *, is_bound: bool) -> CpuSet | None:
    """The nodes as they are; without a cpuset, where nodes are left alone, auto when there are none."""
    text = settings.get("numatune")
    if text is None:
        return EMPTY if is_bound else None
    try:
        return CpuSet.parse(text)
    except CpuListError:
        return None
