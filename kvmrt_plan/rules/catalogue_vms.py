# SPDX-License-Identifier: Apache-2.0
"""The codes about the CPUs, cores and threads of VMs."""

from __future__ import annotations

from kvmrt_plan.rules.catalogue import Entry

ENTRIES = (
    Entry(
        "KR101", "An RT VM has no cpuset", "error",
        why="Shielding, siblings and pins all follow from the cpuset; without it `rt` has no effect.",
        example="rt1: {rt: true}",
        remedy="give it nr_vcpus + 1 CPUs, one per core, or switch `rt` off.",
    ),
    Entry(
        "KR102", "An RT VM's cpuset overlaps that of another VM", "error",
        why="An RT VM's CPUs are shielded from everyone else; a second VM on one of them would be "
        "locked out, or would disturb it.",
        example="rt1: {rt: true, cpuset: 1-3}\nweb: {cpuset: 3-4}",
        remedy="take the shared CPUs out of one of the two.",
    ),
    Entry(
        "KR103", "An RT VM's cpuset has too few CPUs", "error",
        why="The first CPU takes the emulator and each vCPU needs one of its own. Of every core one "
        "CPU is used and its siblings go offline, so that a sibling in the list does not count.",
        example='rt1: {rt: true, nr_vcpus: 2, cpuset: "1-2,9-10"}  # 9, 10: siblings of 1, 2',
        remedy="add CPUs of further cores, or lower `nr_vcpus`.",
    ),
    Entry(
        "KR110", "A CPU of a cpuset does not exist", "error",
        why="libvirt refuses to start a guest that is pinned to such a CPU.",
        example='rt1: {cpuset: "6-9,200"}',
        remedy="choose from `kvmrt topology`.",
    ),
    Entry(
        "KR111", "A CPU of a cpuset is offline", "error",
        why="On cgroup v2 a guest that is pinned to offline CPUs alone does not start, and one that is "
        "pinned partly to them silently has fewer CPUs. A sibling in an RT VM's own cpuset may be "
        "offline: that is where it belongs.",
        example='web: {cpuset: "3,11"}  # 11 is offline',
        remedy="bring it online (`chcpu --enable 11`), or choose another CPU.",
    ),
    Entry(
        "KR113", "Two VMs own the same core through siblings", "error",
        why="An RT VM owns every sibling of its CPUs and takes those that it does not use offline: "
        "under the feet of the other VM.",
        example="rt1: {rt: true, cpuset: 1-2}\nweb: {cpuset: 9}  # the sibling of CPU 1",
        remedy="give each VM whole cores.",
    ),
    Entry(
        "KR117", "cpu_topology does not multiply to nr_vcpus", "error",
        why="libvirt refuses a topology whose sockets x cores x threads are not the number of vCPUs.",
        example='rt1: {nr_vcpus: 4, cpu_topology: "1,2,1"}',
        remedy="correct one of the two, or set `cpu_topology` to auto.",
    ),
    Entry(
        "KR118", "A FIFO or RR vCPU shares a CPU with its emulator thread", "error",
        why="A vCPU that waits in a loop for its emulator keeps it from running: the guest hangs, and "
        "with real-time throttling off it hangs for ever.",
        example="web: {cpuset: 3, vcpu_scheduler: {policy: fifo, priority: 1}}",
        remedy="give the cpuset a CPU of another core, or remove `vcpu_scheduler`.",
    ),
    Entry(
        "KR135", "An emulator thread or iothread goes before vCPUs on the same CPU", "warning",
        why="A real-time thread runs as long as it likes, and a vCPU of no higher priority on its CPU "
        "waits. Only a vCPU that has its CPU for itself is spared.",
        example="web: {cpuset: 3, emulator_scheduler: {policy: fifo, priority: 5}}",
        remedy="give the cpuset a CPU of another core, the vCPUs a higher priority, or remove the "
        "attribute.",
    ),
    Entry(
        "KR145", "Scheduling of iothreads without an iothread", "warning",
        why="`iothread_scheduler` says how iothreads are scheduled; it makes none.",
        example="rt1: {iothreads: 0, iothread_scheduler: {policy: fifo, priority: 1}}",
        remedy="set `iothreads`, or remove `iothread_scheduler`.",
    ),
    Entry(
        "KR119", "CPUs of isolcpus= without one pin per thread", "warning",
        why="The kernel does not balance load between CPUs that were isolated at boot: threads that may "
        "use several of them all stay on the one where they started.",
        example="# kernel command line: isolcpus=2-5\nweb: {nr_vcpus: 2, cpuset: 1-5}",
        remedy="give the VM exactly nr_vcpus + 1 CPUs, or remove them from `isolcpus=`.",
    ),
    Entry(
        "KR123", "CPU 0 belongs to an RT VM", "warning",
        why="CPU 0 has interrupts (timer, ACPI) and timekeeping that cannot be moved away.",
        example="rt1: {rt: true, cpuset: 0-1}",
        remedy="leave the core of CPU 0 to the host.",
    ),
    Entry(
        "KR125", "A VM without pins may run on the CPUs of RT VMs", "warning",
        why="libvirt lets a guest without pins run on all CPUs, whatever its own affinity is, also when "
        "they were isolated at boot. VMs that run or start by themselves count, in the configuration or "
        "not.",
        example="rt1: {rt: true, cpuset: 1-2}\nweb: {}",
        remedy="give it a cpuset; take VMs that only libvirt knows over with `kvmrt import`.",
    ),
    Entry(
        "KR128", "A VM has fewer than nr_vcpus + 1 CPUs", "advice",
        why="Some vCPUs then share a CPU, and wait for each other.",
        example="web: {nr_vcpus: 4, cpuset: 4-6}",
        remedy="give it nr_vcpus + 1 CPUs.",
    ),
    Entry(
        "KR131", "A sibling must go offline, but cannot", "error",
        why="The kernel offers no `online` file for it (CPU 0 of x86, some virtual machines); a sibling "
        "that goes on running shares the RT core.",
        example="rt1: {rt: true, cpuset: 8-9}  # 0 is the sibling of 8",
        remedy="leave that core to the host, name the fixed CPU itself so that its sibling goes, or boot "
        "with `nosmt`.",
    ),
)  # fmt: skip
