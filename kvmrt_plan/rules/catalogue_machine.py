# SPDX-License-Identifier: Apache-2.0
"""The codes about the guest's machine and its memory."""

from __future__ import annotations

from kvmrt_plan.rules.catalogue import Entry

ENTRIES = (
    Entry(
        "KR140", "A VM hides KVM and sets what only KVM can tell", "warning",
        why="A guest that does not see KVM asks it for nothing: no hints, no kvmclock, no ptp_kvm, so "
        "that chrony in the guest has no host clock to follow. The hints are not written then.",
        example="rt1: {hide_kvm: true, hint_dedicated: true}",
        remedy="switch `hide_kvm` off, or remove the hints and give the guest `invtsc`.",
    ),
    Entry(
        "KR141", "A CPU attribute needs another cpu_mode", "error",
        why="libvirt takes `migratable` with host-passthrough and maximum only, and single features "
        "only where a model says what they are added to.",
        example="rt1: {cpu_mode: host-model, migratable: false}",
        remedy="set `cpu_mode: host-passthrough`.",
    ),
    Entry(
        "KR142", "cell_nodes does not fit the guest's NUMA cells", "error",
        why="Each `<cell>` of the guest's `<numa>` gets one host node, and QEMU can take memory only "
        "from nodes of `numatune`.",
        example="rt1: {numatune: 0, cell_nodes: 0-1}",
        remedy="name one node of `numatune` for each cell, or leave the attribute out.",
    ),
    Entry(
        "KR143", "libvirt limits the processor time of an RT VM", "warning",
        why="The quota of `<cputune>` stops a thread that has used it up until the period is over, for "
        "up to 100 ms.",
        example="rt1: {rt: true, cpuset: 1-2}  # <quota>50000</quota> in libvirt",
        remedy="remove the quota with `virsh edit`.",
    ),
    Entry(
        "KR144", "The energy preference contradicts the governor", "error",
        why="While the governor is `performance`, intel_pstate and amd_pstate refuse every other "
        "preference.",
        example="host: {governor: performance, energy_preference: balance_power}",
        remedy="set `energy_preference: performance`, or leave it out.",
    ),
    Entry(
        "KR146", "A guest's nodes do not have its memory free", "warning",
        why="A guest that is bound to nodes gets no memory from others, and one with huge pages does not "
        "start without them. KR120 tells of memory that is to be locked.",
        example="web: {cpuset: 9-11, hugepages: 1G}  # node 1 has no free page of 1 GiB",
        remedy="stop what uses the memory, set `reserve_hugepages`, reserve pages at boot, or name further "
        "nodes in `numatune`.",
    ),
    Entry(
        "KR147", "The kernel may merge the pages of an RT guest", "warning",
        why="QEMU offers the guest's memory to KSM unless its definition says otherwise; the next write "
        "to a merged page is a page fault, also where memory is locked.",
        example="rt1: {rt: true, cpuset: 1-2}  # /sys/kernel/mm/ksm/run is 1",
        remedy="set `page_sharing: false` for the VM, or `page_merging` in the host part.",
    ),
    Entry(
        "KR148", "Huge pages of a size that is not mounted", "warning",
        why="libvirt hands QEMU a file on a hugetlbfs of the wanted page size and looks for the mounts "
        "when it starts itself. systemd mounts the default size only, as /dev/hugepages.",
        example="rt1: {hugepages: 1G}  # /proc/mounts has pagesize=2M only",
        remedy="mount it by a unit (docs/policies.md has one) and restart libvirt.",
    ),
    Entry(
        "KR149", "Memory that cannot be shielded", "warning or advice",
        why="`memory_shield` keeps other tasks' memory off the nodes of RT VMs. It needs every CPU of the "
        "node to belong to RT VMs that take their memory from it, systemd on cgroup v2, and another node "
        "with memory for the host. RedHawk's kernel does it by itself.",
        example='host: {memory_shield: true}\nrt1: {rt: true, cpuset: "9-11"}  # node 1 has CPUs 8-15',
        remedy="give the RT VMs all CPUs of the node, or leave `memory_shield` out.",
    ),
)  # fmt: skip
