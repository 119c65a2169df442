# SPDX-License-Identifier: Apache-2.0
"""The codes about the host: what is left to it, its interrupts, its kernel and its services."""

from __future__ import annotations

from kvmrt_plan.rules.catalogue import Entry

ENTRIES = (
    Entry(
        "KR108", "No CPU is left to the host", "error",
        why="Interrupts, the kernel's threads, libvirt and everything else need a CPU that no RT VM "
        "owns, also when every RT VM runs.",
        example="rt1: {rt: true, cpuset: 0-3}\nrt2: {rt: true, cpuset: 4-7}",
        remedy="take at least one core out of the cpusets, better one per NUMA node.",
    ),
    Entry(
        "KR124", "housekeeping names CPUs of an RT VM, or CPUs that are missing or offline", "error",
        why="The host's work would run on a shielded CPU; a mask without an online CPU is refused by the "
        "kernel.",
        example="host: {housekeeping: 0-1}\nvms:\n  rt1: {rt: true, cpuset: 1-2}",
        remedy="set `housekeeping` to auto, or to CPUs that no RT VM owns.",
    ),
    Entry(
        "KR129", "An assigned interrupt, interface or driver is not there", "warning",
        why="A typing error would leave the device's interrupts where they are.",
        example="host:\n  irqs:\n    - {irq: enp4s0f9, cpus: 0}",
        remedy="compare with /proc/interrupts and /sys/class/net.",
    ),
    Entry(
        "KR130", "Interrupts are assigned to CPUs that are offline, or that an RT VM owns",
        "error when offline or missing, advice for an RT VM's CPU",
        why="The kernel refuses an affinity without an online CPU. Interrupts on an RT VM's CPU disturb "
        "it, unless they are those of a device that is passed through to this VM.",
        example="host:\n  irqs:\n    - {irq: 55, cpus: 99}",
        remedy="assign them to housekeeping CPUs.",
    ),
    Entry(
        "KR133", "A NUMA node has no housekeeping CPU left", "warning",
        why="kswapd and kcompactd of a node then run far from its memory, or, without a shield, on "
        "isolated CPUs.",
        example="rt1: {rt: true, cpuset: 4-7}  # all cores of node 1",
        remedy="leave one core per node to the host.",
    ),
    Entry(
        "KR134", "An RT VM runs without its policies", "warning",
        why="It was started by other means than kvmrt (virsh, virt-manager): its CPUs have siblings, "
        "kernel work or interrupts of others on them, and it misses its deadlines.",
        example="virsh start rt1",
        remedy="apply the plan; start it with `kvmrt boot` in future.",
        language="sh",
    ),
    Entry(
        "KR138", "Switching a CPU would hang beside a real-time thread", "error",
        why="A vCPU with SCHED_FIFO that never sleeps keeps rcuc/N off its CPU when its priority is not "
        "above its own; it is 1 unless `rcutree.kthread_prio` says otherwise. With sched_rt_runtime_us -1 "
        "that has no end, CPU hotplug waits for it, and whoever asked for it can no longer be killed. "
        "Measured on PREEMPT_RT 6.1.",
        example="rt1: {vcpu_scheduler: {policy: fifo, priority: 2}}  # runs\n"
        "host: {rt_throttling: false}",
        remedy="shut the VM down before CPUs are switched; set `rcuc` and `ktimers` of "
        "`host.kernel_threads` to above-guests; or boot with `rcutree.kthread_prio` above the priority of "
        "every vCPU.",
    ),
    Entry(
        "KR139", "CPUs are switched beside running RT VMs", "warning",
        why="CPU hotplug stops all CPUs for a moment (stop_machine), isolated ones too, and lets drivers "
        "spread their interrupts anew.",
        example="kvmrt apply   # takes siblings offline for rt2 while rt1 runs",
        remedy="apply before the RT VMs start.",
        language="sh",
    ),
    Entry(
        "KR230", "A thread of the kernel gets no more than the priority of the vCPUs beside it", "warning",
        why="A vCPU with SCHED_FIFO that is busy keeps it from running: without rcuc/N memory that RCU frees "
        "piles up and readers wait, without ktimers/N timers are late.",
        example="host: {kernel_threads: {rcuc: 2}}\n"
        "vms:\n  rt1: {rt: true, vcpu_scheduler: {policy: fifo, priority: 2}}",
        remedy="write above-guests, or a number above the priority of every vCPU.",
    ),
    Entry(
        "KR201", "libvirt's domains are not known",
        "error when libvirt was asked and did not answer, warning when nobody asked it",
        why="The host's policies are planned; definitions, pins and the state of the VMs are not.",
        example="kvmrt plan --connect qemu+ssh://unreachable/system",
        remedy="start libvirtd or virtqemud, or choose it with `--connect`.",
        language="sh",
    ),
    Entry(
        "KR202", "Something of the host could not be read", "warning",
        why="What is not known is not planned. Texts that do not matter for a plan are not mentioned.",
        example="kvmrt plan   # as a user who may not read /proc/irq",
        remedy="run as root, or take the snapshot as root.",
        language="sh",
    ),
    Entry(
        "KR203", "The siblings of offline CPUs are not known", "warning",
        why="The kernel forgets the place of a CPU that goes offline; an RT VM may own a core together "
        "with it. Siblings are recorded while all CPUs are online.",
        example="chcpu --disable 9   # before kvmrt was ever used",
        remedy="bring them online once and plan again.",
        language="sh",
    ),
    Entry(
        "KR204", "Tasks cannot be kept off the CPUs of RT VMs", "warning",
        why="It takes RedHawk's shield, systemd on cgroup v2 with its cpuset controller, or the cpuset "
        "hierarchy of cgroup v1.",
        example="host: {shield: redhawk}  # on another kernel",
        remedy="boot with cgroup v2; `shield: none` says that it is meant so.",
    ),
    Entry(
        "KR205", "Managed interrupts go to CPUs of RT VMs", "warning",
        why="The kernel spreads the queues of NVMe and modern network devices itself and refuses any "
        "other affinity. A queue interrupts its CPU only for requests that were made there.",
        example="rt1: {rt: true, cpuset: 1-2}  # nvme0q2 is bound to CPU 1",
        remedy="boot with `isolcpus=managed_irq,` and the CPUs, or give the driver fewer queues.",
    ),
    Entry(
        "KR206", "irqbalance may move interrupts to CPUs of RT VMs", "warning",
        why="It places every interrupt anew each ten seconds and knows nothing of RT VMs. Once the list "
        "is set it no longer leaves CPUs of `isolcpus=` and `nohz_full=` alone by itself, so that the "
        "list must have those too.",
        example="# /etc/default/irqbalance or /etc/sysconfig/irqbalance\n"
        "IRQBALANCE_BANNED_CPULIST=1-2,9-10",
        remedy="set the list that the finding gives, or disable irqbalance.",
        language="sh",
    ),
    Entry(
        "KR223", "irqbalance is managed and cannot be told everything", "warning",
        why="A running irqbalance is told through its socket, which only root may use, and its next start "
        "through the file that its unit reads. Where one of them is missing, it may move interrupts to CPUs "
        "of RT VMs until it is started again, or after it is.",
        example="host: {irqbalance: managed}",
        remedy="plan as root; restart irqbalance when its interrupts may be placed anew, or disable it.",
    ),
    Entry(
        "KR207", "TuneD is active", "warning",
        why="Its profiles write the same affinities and masks, and its scheduler plugin moves the "
        "threads of guests.",
        example="tuned-adm profile realtime-virtual-host",
        remedy="`tuned-adm off`, or a profile without the scheduler, irq and systemd plugins.",
        language="sh",
    ),
    Entry(
        "KR208", "The kernel is neither PREEMPT_RT nor RedHawk", "warning",
        why="In other kernels sections without preemption delay a vCPU, at times for milliseconds.",
        example="uname -v   # no PREEMPT_RT in it",
        remedy="install a real-time kernel.",
        language="sh",
    ),
    Entry(
        "KR209", "The CPUs of an RT VM are no partition of their own yet",
        "warning, advice while the VM runs outside of its slice",
        why="A guest that runs in machine.slice would lose its CPUs to its own partition, so it gets one "
        "when it restarts. Another cgroup that names a CPU of the VM, and that systemd cannot narrow, "
        "makes a partition invalid, and so does a guest whose threads are bound there.",
        example="virsh start rt1   # before kvmrt has given it a slice",
        remedy="shut the VM down and start it with `kvmrt boot`; take the CPUs out of the cgroup that "
        "the finding names.",
        language="sh",
    ),
    Entry(
        "KR210", "The shield that was asked for is not there, a weaker one is used", "warning",
        why="Isolated partitions came with Linux 6.1. AllowedCPUs= of systemd's units confines what "
        "systemd has started; kernel threads that are bound to nothing, and guests without pins, still "
        "run everywhere.",
        example="host: {shield: partition}  # on Linux 5.10",
        remedy="boot a newer kernel, with cgroup v2; `shield: auto` says that the best that is there is good "
        "enough.",
    ),
    Entry(
        "KR211", "The shield that is used leaves something to others", "advice",
        why="One finding for the whole plan tells what still reaches the CPUs of RT VMs: with "
        "AllowedCPUs= threads of the kernel and guests without pins, because only units of systemd are "
        "confined; on every kernel without `nohz_full=` the tick. What interrupts do stands in KR205 and "
        "KR206. RedHawk's shield leaves nothing.",
        example="# kernel command line without nohz_full=\nrt1: {rt: true, cpuset: 1-2}",
        remedy="boot with `nohz_full=` for the CPUs of vCPUs, and a kernel that has isolated partitions; "
        "or live with what the finding names.",
    ),
    Entry(
        "KR212", "isolcpus= is the only shield, and lacks CPUs of RT VMs", "warning",
        why="Without cgroups that can be used, what was isolated at boot is what keeps tasks away. It is "
        "read and never written while the kernel runs.",
        example="# kernel command line: isolcpus=2; no cgroup v2\nrt1: {rt: true, cpuset: 1-2}",
        remedy="boot with the list that the finding gives; better, with cgroup v2.",
    ),
    Entry(
        "KR244", "Guests have no cpusets of their own on cgroup v1", "warning",
        why="On cgroup v1 the host's tasks are confined to the cpuset `kvmrt`. libvirt puts each guest into "
        "cpusets of its own, unless its settings leave the controller out: a guest then starts in the cpuset "
        "of libvirt's daemon, and an RT VM cannot be pinned to its CPUs.",
        example='# /etc/libvirt/qemu.conf\ncgroup_controllers = [ "cpu", "memory" ]',
        remedy="add `cpuset` there, and restart libvirt's daemon and the guests.",
        language="sh",
    ),
    Entry(
        "KR245", "A cpuset of somebody else has CPUs of RT VMs", "warning",
        why="Containers and tools such as cset have cpusets beside the root on cgroup v1, with CPUs that "
        "their owner has chosen; kvmrt moves tasks of the root alone.",
        example="docker run --cpuset-cpus 4-7 IMAGE   # on cgroup v1",
        remedy="give them other CPUs.",
        language="sh",
    ),
    Entry(
        "KR214", "A partition would take CPUs that isolcpus= isolates", "warning",
        why="Linux 6.7 to 6.16, and kernels with their code, refuse to make a partition of such CPUs: it "
        "reads `isolated invalid (partition config conflicts with housekeeping setup)`, and the apply is "
        "taken back. Others take it.",
        example="# kernel command line: isolcpus=1-2,9-10\nrt1: {rt: true, cpuset: 1-2}",
        remedy="boot without `isolcpus=`, or keep to it with `shield: static`.",
    ),
    Entry(
        "KR213", "The partition of an RT VM is invalid", "warning",
        why="The kernel takes a partition away when another cgroup is given one of its CPUs, or when its "
        "last CPU goes offline, and tells it only in cpuset.cpus.partition. It stays so when the cause is "
        "gone.",
        example="systemctl set-property --runtime system.slice AllowedCPUs=0-15",
        remedy="apply the plan: it narrows the other unit and makes the partition anew.",
        language="sh",
    ),
)  # fmt: skip
