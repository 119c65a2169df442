# SPDX-License-Identifier: Apache-2.0
"""The codes about the memory of VMs and about their libvirt domains."""

from __future__ import annotations

from kvmrt_plan.rules.catalogue import Entry

ENTRIES = (
    Entry(
        "KR104", "An RT VM's cpuset spans NUMA nodes", "warning",
        why="Its vCPUs then reach part of the memory, and each other, through the link between nodes.",
        example="rt1: {rt: true, cpuset: 2-5}",
        remedy="choose all CPUs from one node.",
    ),
    Entry(
        "KR105", "Another VM's cpuset shares a NUMA node with an RT VM", "warning",
        why="VMs on the same node compete for its last-level cache and memory bandwidth.",
        example="rt1: {rt: true, cpuset: 1-2}\nweb: {cpuset: 3}",
        remedy="move the other VM to CPUs of another node.",
    ),
    Entry(
        "KR106", "An RT VM has no numatune, or memory of a node without its CPUs", "warning",
        why="Memory of another node is slower to reach, and by how much varies with what others do.",
        example="rt1: {rt: true, cpuset: 1-2, numatune: 1}",
        remedy="set `numatune` to auto.",
    ),
    Entry(
        "KR107", "Another VM's memory comes from a node of an RT VM's cpuset", "warning",
        why="It takes bandwidth and space of the RT VM's memory controller.",
        example="rt1: {rt: true, cpuset: 1-2}\nweb: {cpuset: 5, numatune: 0}",
        remedy="give the other VM a `numatune` without the nodes of RT VMs.",
    ),
    Entry(
        "KR109", "rt is on, but rt_memory is off", "error",
        why="A page that is not locked can be taken away; the fault that brings it back takes as long as "
        "the host's memory management likes.",
        example="rt1: {rt: true, cpuset: 1-2, rt_memory: false}",
        remedy="set `rt_memory` to auto.",
    ),
    Entry(
        "KR112", "A NUMA node of numatune does not exist, or has no memory",
        "error when it does not exist, warning when it has no memory",
        why="libvirt takes a missing node when the guest is defined and refuses to start the guest.",
        example="web: {cpuset: 4-6, numatune: 3}",
        remedy="name a node with memory, or set `numatune` to auto.",
    ),
    Entry(
        "KR114", "Two VMs have the same name", "error",
        why="libvirt's names are unique; the second rename would be refused.",
        example="[fde74e84-0e1b-404e-90e7-72101e79c48a]\nname = rt1\n"
        "[0c5b1b1e-7f5c-4f0e-8d5e-3c8b5b1f2a10]\nname = rt1",
        remedy="rename one of them.",
        language="ini",
    ),
    Entry(
        "KR115", "Two VMs have the same UUID", "error",
        why="The UUID says which VM is meant; one VM would be given two sets of attributes.",
        example="vms:\n  rt1: {uuid: fde74e84-0e1b-404e-90e7-72101e79c48a}\n"
        "  rt2: {uuid: fde74e84-0e1b-404e-90e7-72101e79c48a}",
        remedy="look them up with `virsh domuuid NAME`.",
    ),
    Entry(
        "KR116", "libvirt has no domain with the UUID", "error",
        why="VMs are made with libvirt's tools; kvmrt configures those that exist.",
        example="vms:\n  rt1: {uuid: 00000000-0000-0000-0000-000000000001}",
        remedy="compare with `virsh list --all --uuid --name`, or run `kvmrt import`.",
    ),
    Entry(
        "KR120", "Locked memory is larger than its NUMA nodes, or than what is free there",
        "error when it cannot fit, warning when it does not fit at present",
        why="Locked pages cannot be swapped or moved: the guest does not start, or the node runs out of "
        "memory. VMs that start by themselves or run are also added up.",
        example="rt1: {rt: true, cpuset: 1-2}  # 20 GiB in its XML, the node has 16 GiB",
        remedy="give the guest less memory or more nodes; reserve huge pages for it at boot.",
    ),
    Entry(
        "KR121", "libvirt's autostart acts against kvmrt's", "warning for an RT VM, else advice",
        why="libvirtd starts such a domain at boot, before its CPUs are shielded and its siblings are "
        "offline.",
        example="virsh autostart rt1",
        remedy="apply the plan, or `virsh autostart --disable NAME`; kvmrt starts the VM.",
        language="sh",
    ),
    Entry(
        "KR122", "A limit of locked memory is too low",
        "error below the guest's memory, warning without room for QEMU itself",
        why="`<hard_limit>` of memtune becomes RLIMIT_MEMLOCK of a QEMU that locks its memory; a libvirt "
        "without root cannot raise the limit that it has itself. QEMU then ends while it starts.",
        example="<memory unit='GiB'>2</memory>\n"
        "<memtune><hard_limit unit='GiB'>1</hard_limit></memtune>",
        remedy="remove `<hard_limit>`, or make it the guest's memory and 2 GiB more.",
        language="xml",
    ),
    Entry(
        "KR126", "A running guest is renamed once it is off", "warning",
        why="libvirt renames only domains that are off.",
        example="new-name: {uuid: fde74e84-0e1b-404e-90e7-72101e79c48a}",
        remedy="shut the guest down, then apply again.",
    ),
    Entry(
        "KR127", "The new name is taken by another domain", "error",
        why="libvirt's names are unique.",
        example="web: {uuid: fde74e84-0e1b-404e-90e7-72101e79c48a}  # web is another domain",
        remedy="choose another name, or rename the other domain first.",
    ),
    Entry(
        "KR132", "The libvirt domain is transient", "error",
        why="It has no definition that could be changed and would outlive the running guest.",
        example="virsh create rt1.xml",
        remedy="define it: `virsh dumpxml NAME > FILE`, `virsh define FILE`.",
        language="sh",
    ),
    Entry(
        "KR136", "The XML binds memory less strictly, or elsewhere", "warning",
        why="kvmrt writes the nodes of `<numatune><memory>`. A mode such as `preferred`, or a `<memnode>` "
        "of a guest cell with other nodes, still lets memory come from a node that is not the VM's.",
        example="<numatune>\n"
        "  <memory mode='preferred' nodeset='1'/>\n"
        "  <memnode cellid='0' mode='strict' nodeset='0'/>\n"
        "</numatune>",
        remedy="`virsh edit NAME`: make the mode strict and the memnode's nodes a part of numatune.",
        language="xml",
    ),
    Entry(
        "KR137", "A VM without a cpuset has pins that no cpuset can say", "advice",
        why="kvmrt pins in one way: the first CPU for the emulator and the iothreads, the others to the "
        "vCPUs round robin. Pins of this shape go when the cpuset goes; other pins were made by someone "
        "else and stay as they are.",
        example="<vcpu>2</vcpu>\n<cputune><vcpupin vcpu='1' cpuset='3'/></cputune>",
        remedy="give the VM a cpuset, remove the pins with `virsh edit`, or say `pinning: libvirt`.",
        language="xml",
    ),
)  # fmt: skip
