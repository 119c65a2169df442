# SPDX-License-Identifier: Apache-2.0
"""The CPUs and memory that the configuration gives to real-time VMs, by what the rules find."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Severity
from kvmrt_plan.hostchecks.check import (
    NO_RT,
    Check,
    Outcome,
    Status,
    passed,
    skipped,
    warned,
)
from kvmrt_plan.values.cpuset import CpuSet, union

if TYPE_CHECKING:
    from kvmrt_plan.hostchecks.check import HostView


def by_rules(view: HostView, *, codes: tuple[str, ...], wanted: str, good: str) -> Outcome:
    """The worst of the findings with these codes."""
    if not view.rt_cpus:
        return NO_RT
    found = [finding for finding in view.findings if finding.code in codes]
    if not found:
        return passed(good)
    is_error = any(finding.severity is Severity.ERROR for finding in found)
    return Outcome(
        status=Status.FAIL if is_error else Status.WARN,
        present="; ".join(f"{one.code} {one.summary}" for one in found),
        wanted=wanted,
        remedy="; ".join(dict.fromkeys(one.remedy for one in found)),
    )


def siblings(view: HostView) -> Outcome:
    """Hardware threads beside those that real-time VMs use."""
    topology = view.facts.cpus
    if not view.rt_cpus or view.placement is None:
        threads = max((len(one.siblings) for one in topology.cpus.values()), default=1)
        return passed(f"{threads} hardware thread{'s' * (threads != 1)} per core")
    offlined = union(one.offlined for one in view.placement.vms if one.vm.rt)
    online = offlined & topology.online
    if online:
        return warned(f"siblings {online} are online", "offline while the VMs run")
    return passed("the siblings of real-time CPUs are offline, or there are none")


def leftovers(view: HostView) -> Outcome:
    """CPUs that are off and that no policy holds."""
    held = CpuSet(
        int(address.removeprefix("cpu/")) for address in view.facts.held if address[:4] == "cpu/"
    )
    orphaned = view.facts.cpus.offline - held
    if orphaned:
        return warned(f"CPUs {orphaned} are offline, and not by kvmrt", "online, or known why")
    if view.facts.held and not view.facts.holders:
        return warned(f"{len(view.facts.held)} values are held for no VM", "none")
    return passed("none")


def hugepages(view: HostView) -> Outcome:
    """Pools of the nodes against what guests take from them."""
    from kvmrt_plan.domainxml.memory import memory_kib

    asking = [
        (name, memory_kib(root) or 0)
        for name, root in view.definitions()
        if root.find("memoryBacking/hugepages") is not None
    ]
    if not asking:
        return skipped("no domain asks for huge pages")
    reserved = sum(pool.total * pool.size_kib for pool in view.facts.hugepages)
    needed = sum(size for _, size in asking)
    present = f"{reserved // 1024} MiB reserved for {needed // 1024} MiB of guests"
    if max(size for _, size in asking) > reserved:
        return Outcome(status=Status.FAIL, present=present, wanted="room for each guest")
    return passed(present) if needed <= reserved else warned(present, "room for all guests")


def _rule(*codes: str, wanted: str, good: str) -> partial[Outcome]:
    return partial(by_rules, codes=codes, wanted=wanted, good=good)


CHECKS = (
    Check(
        number=13, title="CPU 0", why="The kernel's own timekeeping and much firmware stay on CPU 0.",
        remedy="choose other CPUs",
        run=_rule("KR123", wanted="no real-time VM on CPU 0", good="no real-time VM owns it"),
    ),
    Check(
        number=14, title="Housekeeping CPUs", remedy="make the cpusets smaller",
        why="The host needs a CPU, and so does each node's kswapd.",
        run=_rule("KR108", "KR133", "KR124", wanted="a CPU for the host on every node",
                  good="every node has one"),
    ),
    Check(
        number=15, title="Real-time VMs have their CPUs alone", remedy="make the cpusets disjoint",
        why="Two VMs on one core delay each other.",
        run=_rule("KR102", "KR113", wanted="disjoint cores", good="no core is shared"),
    ),
    Check(
        number=16, title="CPUs of the cpusets", remedy="name CPUs that exist and are online",
        why="A guest whose pins name only missing CPUs does not start; siblings of CPUs that are offline "
        "may be unknown.",
        run=_rule("KR110", "KR111", "KR203", wanted="CPUs that are online", good="all are online"),
    ),
    Check(
        number=17, title="One NUMA node per VM", remedy="keep a cpuset within one node",
        why="Memory and caches of another node are slower to reach.",
        run=_rule("KR104", "KR106", wanted="one node", good="each VM is on one node"),
    ),
    Check(
        number=18, title="Enough CPUs per VM", remedy="give the VM nr_vcpus + 1 CPUs",
        why="The emulator needs a CPU of its own: a FIFO vCPU that waits for it would keep it from running.",
        run=_rule("KR101", "KR103", "KR118", "KR128", wanted="nr_vcpus + 1 CPUs", good="each VM has them"),
    ),
    Check(
        number=19, title="Siblings of real-time CPUs", run=siblings,
        why="A sibling shares the core's execution units and first-level caches.",
        remedy="boot the VM with kvmrt, which takes them offline; or boot with nosmt",
    ),
    Check(
        number=20, title="Siblings can go offline", remedy="boot with nosmt, or choose another core",
        why="CPU 0 and CPUs of some kernels cannot be taken offline.",
        run=_rule("KR131", wanted="a file `online` for each sibling", good="all of them can"),
    ),
    Check(
        number=34, title="Huge pages", run=hugepages,
        why="A guest that asks for more than is reserved does not start.",
        remedy="reserve them at boot: hugepagesz=1G hugepages=0:8,1:8",
    ),
    Check(
        number=35, title="Memory of the nodes", remedy="give the VM less memory, or more nodes",
        why="Locked memory cannot be taken from elsewhere when its node is full.",
        run=_rule("KR112", "KR120", wanted="room for every locked VM", good="all of them fit"),
    ),
    Check(
        number=36, title="Limits of locked memory", remedy="remove <hard_limit> from the domain",
        why="QEMU ends while it starts when it may lock less than it uses.",
        run=_rule("KR122", wanted="no limit, or the guest's memory and 2 GiB", good="none is too low"),
    ),
    Check(
        number=45, title="Other VMs stay off", remedy="give them a cpuset",
        why="libvirt lets a VM without pins run on every online CPU, isolated ones included.",
        run=_rule("KR125", "KR119", wanted="every VM with a cpuset", good="no VM can get in the way"),
    ),
    Check(
        number=48, title="Left over from earlier runs", run=leftovers,
        why="CPUs that nobody brings back, and values held for VMs that are gone, are lost to the host.",
        remedy="`kvmrt recover`, then `echo 1 > /sys/devices/system/cpu/cpuN/online` for what is left",
    ),
)  # fmt: skip
