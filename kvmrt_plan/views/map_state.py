# SPDX-License-Identifier: Apache-2.0
"""What a map shows of a host: a few facts CPU by CPU, now or as they are once a plan is in effect.

The state after a plan comes from its actions alone, applied to the state before: whatever the planner
decided is what is drawn, and nothing is decided here a second time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import Kind
from kvmrt_plan.changes.live_pins import thread_affinities
from kvmrt_plan.domainxml.document import parse_domain
from kvmrt_plan.domainxml.live import read_pins
from kvmrt_plan.values.cpuset import EMPTY, CpuListError, CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kvmrt_plan.changes.change import Change
    from kvmrt_plan.facts.domain import Domain
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.plan.action import Action

#: Where the kernel's own work and tasks may run, as far as a plan changes it.
_TASK_KINDS = frozenset({Kind.SLICE_CPUS, Kind.WORKQUEUE_CPUMASK})


@dataclass(frozen=True, slots=True, kw_only=True)
class MapState:
    """One moment of a host. Two states of one host differ by what a plan does between them."""

    online: CpuSet
    #: CPUs to which each interrupt in use may go, by number: what a plan changes. To which of them the
    #: kernel delivers it at the moment is chance (`kvmrt irqs` tells).
    routes: Mapping[int, CpuSet]
    #: CPUs on which each unit of systemd and each workqueue mask lets work run, by the plan's address.
    tasks: Mapping[str, CpuSet]
    #: Pins of each domain by UUID and key (`vcpupin 0`, `emulatorpin`); of a running guest its threads'.
    pins: Mapping[str, Mapping[str, CpuSet]]


def state_of(facts: HostFacts) -> MapState:
    """The host as it is.

    Raises:
        DomainXmlError: a domain's XML cannot be read.
    """
    online = facts.cpus.online
    units = facts.slices.slices
    shielded = facts.slices.shield.processes if facts.slices.shield else EMPTY
    tasks = {
        f"slice/{unit.name}": (unit.allowed or unit.effective or online) - shielded
        for unit in units
        if unit.name != "machine.slice"
    }
    tasks |= {_queue_address(path): mask for path, mask in facts.workqueue.masks}
    return MapState(
        online=online,
        routes={
            irq.number: irq.affinity or irq.effective or EMPTY
            for irq in facts.irqs.values()
            if irq.actions
        },
        tasks=tasks,
        pins={str(domain.uuid): _pins(domain) for domain in facts.domains.values()},
    )


def state_after(state: MapState, actions: Iterable[Action]) -> MapState:
    """The same host once the actions are in effect, those that wait for a guest or a boot included."""
    online, routes, tasks = state.online, dict(state.routes), dict(state.tasks)
    pins = {uuid: dict(table) for uuid, table in state.pins.items()}
    for change in (action.change for action in actions):
        subject = change.address.rpartition("/")[2]
        if change.kind is Kind.CPU_ONLINE:
            cpu = CpuSet((int(subject),))
            online = online | cpu if change.after == "online" else online - cpu
        elif change.kind is Kind.IRQ_AFFINITY:
            routes[int(subject)] = _cpus(change.after)
        elif change.kind in _TASK_KINDS:
            tasks[change.address] = _cpus(change.after)
        elif change.kind is Kind.SHIELD and subject == "processes":
            tasks = {name: cpus - _cpus(change.after) for name, cpus in tasks.items()}
        elif change.kind in (Kind.DOMAIN_XML, Kind.DOMAIN_LIVE_PIN) and _is_cpu_pin(subject):
            _set_pin(pins.setdefault(change.owner, {}), subject, change)
    return replace(state, online=online, routes=routes, tasks=tasks, pins=pins)


def deviations(actions: Iterable[Action]) -> dict[int, tuple[str, ...]]:
    """What the plan has to change about each CPU, in words: how the host differs from its configuration."""
    found: dict[int, dict[str, None]] = {}
    for change in (action.change for action in actions):
        cpus, words = _deviation(change)
        for cpu in cpus:
            found.setdefault(cpu, {})[words] = None
    return {cpu: tuple(words) for cpu, words in found.items()}


def _deviation(change: Change) -> tuple[CpuSet, str]:
    subject = change.address.partition("/")[2]
    if change.kind is Kind.CPU_ONLINE:
        return CpuSet((int(subject),)), f"is {change.before}, belongs {change.after}"
    if change.kind is Kind.IRQ_AFFINITY:
        name = " ".join(filter(None, (subject, change.label)))
        return _cpus(change.before) - _cpus(change.after), f"irq {name} may come here"
    if change.kind in _TASK_KINDS:
        name = subject.removesuffix("/cpumask")
        what = f"work of {name}" if change.kind is Kind.SLICE_CPUS else "kernel work"
        return _cpus(change.before) - _cpus(change.after), f"{what} may run here"
    if change.kind in (Kind.DOMAIN_XML, Kind.DOMAIN_LIVE_PIN):
        name, _, rest = subject.partition("/")
        key = rest.removeprefix("live/")
        if _is_cpu_pin(key):
            thread = "emulator" if key == "emulatorpin" else key.replace("vcpupin", "vCPU")
            elsewhere = change.after or "nowhere"
            return _cpus(change.before) - _cpus(change.after), (
                f"{thread} of {name} is bound here, belongs {elsewhere}"
            )
    return EMPTY, ""


def _queue_address(path: str) -> str:
    return f"workqueue/{path.partition('/workqueue/')[2]}"


def _is_cpu_pin(key: str) -> bool:
    return key == "emulatorpin" or key.startswith("vcpupin ")


def _set_pin(table: dict[str, CpuSet], key: str, change: Change) -> None:
    if change.after is None:
        table.pop(key, None)
    else:
        table[key] = _cpus(change.after)


def _pins(domain: Domain) -> dict[str, CpuSet]:
    xml = domain.live_xml or domain.xml
    if not xml:
        return {}
    found = {
        key: cpus
        for key, cpus in read_pins(parse_domain(xml, domain=domain.name)).items()
        if _is_cpu_pin(key)
    }
    # A pin's thread may be elsewhere: the kernel moves it when its CPU goes offline.
    for key, text in thread_affinities(domain.threads).items():
        if key in found:
            found[key] = _cpus(text)
    return found


def _cpus(text: str | None) -> CpuSet:
    try:
        return CpuSet.parse(text or "")
    except CpuListError:
        return EMPTY
