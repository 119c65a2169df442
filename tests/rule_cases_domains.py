# SPDX-License-Identifier: Apache-2.0
"""Cases about memory, domains and pins."""

from __future__ import annotations

from dataclasses import replace

from facts_builders import (
    GIB,
    domain_xml,
    make_domain,
    make_slices,
    make_vm,
)
from rule_case import ADVICE, ERROR, WARNING, case, host, of, rt, vm

from kvmrt_plan.desired.guest import GuestClock
from kvmrt_plan.desired.model import (
    Pinning,
    ShieldBackend,
)
from kvmrt_plan.facts.processes import MemlockLimit

case(
    "KR120 larger than the node",
    of(rt(1, "1-2")),
    host(domains=[make_domain(1, "vm1", xml=domain_xml(1, "vm1", memory_kib=20 * GIB))]),
    (
        ERROR,
        "vm1",
        104,
        "vm1: its 20 GiB of memory are to be locked, but NUMA node 0 has 16 GiB",
    ),
)
case(
    "KR120 together larger than the node",
    of(rt(1, "1"), rt(2, "2"), rt(3, "3", autostart=False)),
    host(
        domains=[
            make_domain(number, f"vm{number}", xml=domain_xml(number, "x", memory_kib=10 * GIB))
            for number in (1, 2, 3)
        ]
    ),
    (
        ERROR,
        None,
        204,
        "vm1 and vm2 lock 20 GiB of memory together, but NUMA node 0 has 16 GiB",
    ),
)
FULL = host(domains=[make_domain(1, "vm1", xml=domain_xml(1, "vm1", memory_kib=2 * GIB))])
FULL = replace(
    FULL,
    cpus=FULL.cpus.replace(
        nodes={id_: node.replace(free_kib=GIB) for id_, node in FULL.cpus.nodes.items()},
    ),
)
case(
    "KR120 larger than what is free",
    of(rt(1, "1-2")),
    FULL,
    (
        WARNING,
        "vm1",
        104,
        "vm1: its 2 GiB of memory are to be locked, but NUMA node 0 has 1 GiB free",
    ),
)
case("KR120 enough together with huge pages", of(rt(1, "1-3", hugepages="1G")), FULL)
case(
    "KR121 an RT VM",
    of(rt(1, "1-2")),
    host(domains=[make_domain(1, "vm1", has_autostart=True)]),
    (
        WARNING,
        "vm1",
        100,
        "vm1: libvirt's autostart starts it before its CPUs are shielded",
    ),
)
case(
    "KR121 other VMs",
    of(vm(1), vm(2, autostart=False)),
    host(domains=[make_domain(number, f"vm{number}", has_autostart=True) for number in (1, 2)]),
    (ADVICE, "vm1", 100, "vm1: both libvirt's autostart and kvmrt start it"),
    (ADVICE, "vm2", 200, "vm2: libvirt's autostart starts it, though its autostart is off"),
)


def limited(limit_kib):
    """vm1 has 2 GiB and this hard_limit."""
    inner = f"<memtune><hard_limit unit='KiB'>{limit_kib}</hard_limit></memtune>"
    text = domain_xml(1, "vm1", memory_kib=2 * GIB, inner=inner)
    return host(domains=[make_domain(1, "vm1", xml=text)])


case(
    "KR122 a limit below the memory",
    of(rt(1, "1-2")),
    limited(GIB),
    (
        ERROR,
        "vm1",
        103,
        (
            "vm1: memtune's hard_limit of 1 GiB is less than its 2 GiB of memory and what QEMU "
            "itself needs"
        ),
    ),
)
case(
    "KR122 a limit without room for QEMU",
    of(rt(1, "1-2")),
    limited(2 * GIB + GIB // 2),
    (
        WARNING,
        "vm1",
        103,
        (
            "vm1: memtune's hard_limit of 2.5 GiB is less than its 2 GiB of memory and what QEMU "
            "itself needs"
        ),
    ),
)
case("KR122 a limit that is high enough", of(rt(1, "1-2")), limited(4 * GIB))
case(
    "KR122 a session",
    of(rt(1, "1-2")),
    host(libvirt_uri="qemu:///session", libvirt_memlock=MemlockLimit(kib=8192)),
    (
        ERROR,
        "vm1",
        103,
        (
            "vm1: libvirt's own limit of locked memory, 8 MiB, is less than its 1 GiB of memory and "
            "what QEMU itself needs"
        ),
    ),
)
case("KR122 root raises the limit", of(rt(1, "1-2")), host(libvirt_memlock=MemlockLimit(kib=8192)))
case(
    "KR123 CPU 0",
    of(rt(1, "0-1")),
    host(),
    (WARNING, "vm1", 101, "vm1: CPU 0 belongs to an RT VM"),
)
PINNED = "<cputune><vcpupin vcpu='0' cpuset='5'/><emulatorpin cpuset='5'/></cputune>"
case(
    "KR125 VMs without cpuset",
    of(rt(1, "1-2"), vm(2), vm(3, autostart=False), shield=ShieldBackend.NONE),
    host(),
    (WARNING, "vm2", 201, "vm2: may run on CPUs 1-2,9-10 of RT VMs"),
)
case("KR125 machine.slice is narrowed", of(rt(1, "1-2"), vm(2)), host())
case(
    "KR125 the kernel evicts guests from partitions",
    of(rt(1, "1-2"), vm(2)),
    host(slices=make_slices(has_partitions=True)),
)
case(
    "KR125 an RT guest runs in machine.slice",
    of(rt(1, "1-2"), rt(2, "5-6"), vm(3)),
    host(
        domains=[make_domain(1, "vm1", running=True), make_domain(2, "vm2"), make_domain(3, "vm3")]
    ),
    (WARNING, "vm3", 301, "vm3: may run on CPUs 1-2,9-10 of RT VMs"),
)
case(
    "KR125 domains outside of the configuration",
    of(rt(1, "1-2"), shield=ShieldBackend.NONE),
    host(
        domains=[
            make_domain(1, "vm1"),
            make_domain(2, "off"),
            make_domain(3, "runs", running=True),
            make_domain(4, "starts", has_autostart=True),
            make_domain(5, "pinned", running=True, xml=domain_xml(5, "pinned", inner=PINNED)),
        ]
    ),
    (
        WARNING,
        "runs",
        None,
        "runs (not in the configuration): may run on CPUs 1-2,9-10 of RT VMs",
    ),
    (
        WARNING,
        "starts",
        None,
        "starts (not in the configuration): may run on CPUs 1-2,9-10 of RT VMs",
    ),
)
case(
    "KR125 libvirt's own pins",
    of(rt(1, "1-2"), vm(2, pinning=Pinning.LIBVIRT), vm(3, pinning=Pinning.LIBVIRT)),
    host(
        domains=[
            make_domain(1, "vm1"),
            make_domain(2, "vm2", xml=domain_xml(2, "vm2", inner=PINNED)),
            make_domain(3, "vm3", xml=domain_xml(3, "vm3", inner=PINNED.replace("5", "0-9,^1"))),
        ]
    ),
    (WARNING, "vm3", 301, "vm3: may run on CPUs 2,9 of RT VMs"),
)
case(
    "KR126 a running guest",
    of(make_vm(1, "new")),
    host(domains=[make_domain(1, "old", running=True)]),
    (WARNING, "new", 106, "new: the domain old is renamed once it is off"),
)
case("KR126 a guest that is off", of(make_vm(1, "new")), host(domains=[make_domain(1, "old")]))
case(
    "KR127 a name that is taken",
    of(make_vm(1, "new")),
    host(domains=[make_domain(1, "old"), make_domain(2, "new")]),
    (ERROR, "new", 106, "new: old cannot be renamed, another domain has that name"),
)
case(
    "KR128 few CPUs",
    of(vm(1, "1-2", nr_vcpus=2)),
    None,
    (
        ADVICE,
        "vm1",
        101,
        "vm1: cpuset 1-2 has 2 CPUs for 2 vCPUs and the emulator, so that some share one",
    ),
)
case("KR128 enough, or none", of(vm(1, "1-3", nr_vcpus=2), vm(2)), None)
case(
    "KR131 CPU 0 as a sibling",
    of(rt(1, "8-9", nr_vcpus=1)),
    host(),
    (
        ERROR,
        "vm1",
        101,
        "vm1: CPU 0 must go offline as a sibling of its cpuset 8-9, but cannot",
    ),
)
case(
    "KR132 a transient domain",
    of(vm(1)),
    host(domains=[make_domain(1, "vm1", running=True, is_persistent=False, xml="")]),
    (ERROR, "vm1", 100, "vm1: its libvirt domain is transient"),
)
case(
    "KR136 a mode that only prefers",
    of(rt(1, "1-2")),
    host(
        domains=[
            make_domain(
                1,
                "vm1",
                xml=domain_xml(
                    1,
                    "vm1",
                    inner="<numatune><memory mode='preferred' nodeset='0'/></numatune>",
                ),
            )
        ]
    ),
    (
        WARNING,
        "vm1",
        104,
        (
            "vm1: its numatune mode preferred prefers its node, and takes other nodes' memory when that "
            "is short"
        ),
    ),
)
case(
    "KR136 a cell bound elsewhere",
    of(rt(1, "1-2")),
    host(
        domains=[
            make_domain(
                1,
                "vm1",
                xml=domain_xml(
                    1,
                    "vm1",
                    inner="<numatune><memory mode='strict' nodeset='0'/>"
                    "<memnode cellid='0' mode='strict' nodeset='1'/></numatune>",
                ),
            )
        ]
    ),
    (WARNING, "vm1", 104, "vm1: memory of guest cell 0 is bound to node 1, not 0"),
)
FOREIGN = "<cputune><vcpupin vcpu='0' cpuset='5'/></cputune>"
case(
    "KR137 foreign pins",
    of(
        vm(1),
        vm(2),
        vm(3, pinning=Pinning.LIBVIRT),
        vm(4, "3-4"),
        vm(5),
    ),
    host(
        domains=[
            make_domain(1, "vm1", xml=domain_xml(1, "vm1", inner=FOREIGN)),
            make_domain(2, "vm2", xml=domain_xml(2, "vm2", inner=PINNED)),
            make_domain(3, "vm3", xml=domain_xml(3, "vm3", inner=FOREIGN)),
            make_domain(4, "vm4", xml=domain_xml(4, "vm4", inner=FOREIGN)),
            make_domain(5, "vm5"),
        ]
    ),
    (ADVICE, "vm1", 101, "vm1: has pins in libvirt that no cpuset can say; they stay"),
)

case(
    "KR240 a hidden clock",
    of(rt(1, "1-2", hide_kvm=True, guest_clock=GuestClock.PTP_KVM)),
    None,
    (ERROR, "vm1", 100, "vm1: hide_kvm hides the clock that guest_clock asks for"),
)
case("KR240 no clock is asked for", of(rt(1, "1-2", hide_kvm=True)), None)
case("KR240 KVM is seen", of(rt(1, "1-2", guest_clock=GuestClock.PTP_KVM)), None)
