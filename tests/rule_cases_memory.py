# SPDX-License-Identifier: Apache-2.0
"""Cases about where guests' memory comes from, and about memory that is kept for RT VMs."""

from __future__ import annotations

from dataclasses import replace

from facts_builders import GIB, cpus, domain_xml, make_domain, make_slices
from rule_case import ADVICE, WARNING, case, host, of, rt, vm

from kvmrt_plan.desired.host_knobs import PageMerging
from kvmrt_plan.desired.model import PageSize, ShieldBackend
from kvmrt_plan.facts.hugepages import HugepagePool
from kvmrt_plan.facts.slices import Shield


def sized(kib: int, *numbers: int, inner: str = "", **values: object):
    """A host whose domains have so much memory and these elements."""
    xml = [(n, f"vm{n}", domain_xml(n, f"vm{n}", memory_kib=kib, inner=inner)) for n in numbers]
    return host(domains=[make_domain(n, name, xml=text) for n, name, text in xml], **values)


def with_free(kib: int, **values: object):
    """Node 1 has so much free; each domain has 4 GiB."""
    made = sized(4 * GIB, 1, 2, **values)
    nodes = dict(made.cpus.nodes)
    nodes[1] = nodes[1].replace(free_kib=kib)
    return replace(made, cpus=made.cpus.replace(nodes=nodes))


case(
    "KR146 a full node",
    of(vm(1, "5-6", numatune=cpus("1"))),
    with_free(GIB),
    (
        WARNING,
        "vm1",
        104,
        "vm1: its memory of 4 GiB comes from NUMA node 1 alone, with 1 GiB free",
    ),
)
case("KR146 room enough", of(vm(1, "5-6", numatune=cpus("1"))), with_free(4 * GIB))
case("KR146 locked memory is KR120's", of(rt(1, "5-6", numatune=cpus("1"))), with_free(GIB))
POOLS = (
    HugepagePool(node=0, size_kib=1048576, total=8, free=8),
    HugepagePool(node=1, size_kib=1048576, total=8, free=5),
    HugepagePool(node=1, size_kib=2048, total=0, free=0),
)
case(
    "KR146 too few huge pages for both",
    of(
        vm(1, "5-6", numatune=cpus("1"), hugepages=PageSize.SIZE_1G),
        vm(2, "7", numatune=cpus("1"), hugepages=PageSize.SIZE_1G),
    ),
    sized(4 * GIB, 1, 2, hugepages=POOLS),
    (
        WARNING,
        "vm2",
        200,
        (
            "vm2: needs 4 huge pages of 1 GiB on NUMA node 1 to start, with 5 free, 4 of them for VMs "
            "before it"
        ),
    ),
)
case(
    "KR146 too few huge pages of the definition",
    of(vm(1, "5-6", numatune=cpus("1"), autostart=False)),
    sized(
        4 * GIB,
        1,
        inner="<memoryBacking><hugepages><page size='2' unit='M'/></hugepages></memoryBacking>",
        hugepages=POOLS,
    ),
    (
        WARNING,
        "vm1",
        100,
        "vm1: needs 2048 huge pages of 2 MiB on NUMA node 1 to start, with 0 free",
    ),
)
case(
    "KR146 pages that the plan reserves",
    of(rt(1, "5-6", numatune=cpus("1"), hugepages=PageSize.SIZE_1G), reserve_hugepages=True),
    sized(8 * GIB, 1, hugepages=POOLS),
)
case(
    "KR147 merging",
    of(rt(1, "1-2"), vm(2, "3")),
    host(knobs={"ksm/run": "1"}),
    (
        WARNING,
        "vm1",
        102,
        "vm1: the kernel merges equal pages (KSM), and may merge the guest's",
    ),
)
case("KR147 told not to", of(rt(1, "1-2", page_sharing=False)), host(knobs={"ksm/run": "1"}))
case(
    "KR147 stopped by the plan",
    of(rt(1, "1-2"), page_merging=PageMerging.STOPPED),
    host(knobs={"ksm/run": "1"}),
)
case(
    "KR147 not shared in libvirt",
    of(rt(1, "1-2")),
    sized(GIB, 1, inner="<memoryBacking><nosharepages/></memoryBacking>", knobs={"ksm/run": "1"}),
)
case("KR147 nothing is merged", of(rt(1, "1-2")), host(knobs={"ksm/run": "0"}))
case(
    "KR148 a size without a mount",
    of(vm(1, hugepages=PageSize.SIZE_1G), vm(2, hugepages=PageSize.SIZE_2M)),
    host(hugetlbfs=frozenset({2048})),
    (WARNING, "vm1", 100, "vm1: hugetlbfs with pages of 1G is not mounted"),
)
case("KR148 mounts are not known", of(vm(1, hugepages=PageSize.SIZE_1G)), host())
CONFINABLE = make_slices(nodes=cpus("0-1"))
case(
    "KR149 a CPU of the node is left",
    of(rt(1, "4-6", numatune=cpus("1")), memory_shield=True),
    host(slices=CONFINABLE),
    (
        WARNING,
        "vm1",
        2,
        (
            "vm1: its memory is not shielded: CPUs 7,15 of node 1 belong to no RT VM that holds "
            "policies"
        ),
    ),
)
case(
    "KR149 memory elsewhere",
    of(rt(1, "4-5", numatune=cpus("1")), rt(2, "6-7", numatune=cpus("0-1"), rt_memory=None),
       rt(3, "1-2", numatune=cpus("")), memory_shield=True),
    host(slices=CONFINABLE),
    (WARNING, "vm3", 2, "vm3: its memory is not shielded: its memory is not bound to nodes (numatune)"),
)  # fmt: skip
case(
    "KR149 one VM that takes no memory from the node",
    of(rt(1, "4-5", numatune=cpus("1")), rt(2, "6-7", numatune=cpus("0")), memory_shield=True),
    host(slices=CONFINABLE),
    (
        WARNING,
        "vm1",
        2,
        "vm1: its memory is not shielded: vm2 has CPUs of node 1, but not its memory there",
    ),
    (
        WARNING,
        "vm2",
        2,
        (
            "vm2: its memory is not shielded: CPUs 0-3,8-11 of node 0 belong to no RT VM that holds "
            "policies"
        ),
    ),
)
case("KR149 a whole node", of(rt(1, "4-7"), memory_shield=True), host(slices=CONFINABLE))
case(
    "KR149 cgroup v1",
    of(rt(1, "4-7"), memory_shield=True),
    host(),
    (
        WARNING,
        None,
        2,
        (
            "memory_shield: no unit can be confined to memory nodes, so that all of them may take "
            "memory of RT VMs' nodes"
        ),
    ),
)
REDHAWK = Shield(processes=cpus(""), irqs=cpus(""), local_timers=cpus(""), memory="0")
case(
    "KR149 RedHawk does it by itself",
    of(rt(1, "4-7"), memory_shield=True, shield=ShieldBackend.AUTO),
    host(slices=replace(CONFINABLE, shield=REDHAWK)),
    (
        ADVICE,
        None,
        2,
        (
            "memory_shield: the kernel shields a node's memory by itself, as soon as all of its CPUs "
            "are shielded; kvmrt writes nothing"
        ),
    ),
)
case("KR149 no RT VM", of(vm(1, "4-7"), memory_shield=True), host(slices=CONFINABLE))
