# SPDX-License-Identifier: Apache-2.0
"""What a snapshot captures: the one list of paths, for this machine and for captured trees.

A pattern is an absolute path whose segments may be

    name    that entry
    #       an entry that is a number (`45`); `cpu#`: one that ends in a number (`cpu12`)
    *       any entry; `hugepages-*kB`: any with this beginning and end
    a|b     the first of these files that exists: the newer name or form of the same value

A pattern that ends in a slash records that a folder or link is there (with the link's target), all
others the text of a file. Only what the facts need is listed: a snapshot goes into bug reports and
version control, and holds no process, user or address that does not matter.
"""

from __future__ import annotations

_CPU = "/sys/devices/system/cpu"
_NODE = "/sys/devices/system/node"
_PCI = "/sys/bus/pci/devices/*"

#: CPUs and NUMA nodes, by facts/cpu.py.
CPU_PATTERNS = (
    f"{_CPU}/online",
    f"{_CPU}/offline",
    f"{_CPU}/possible",
    f"{_CPU}/present",
    f"{_CPU}/isolated",
    f"{_CPU}/nohz_full",
    f"{_CPU}/smt/active",
    f"{_CPU}/smt/control",
    f"{_CPU}/cpu#/",
    f"{_CPU}/cpu#/online",
    f"{_CPU}/cpu#/node#/",
    f"{_CPU}/cpu#/topology/physical_package_id",
    f"{_CPU}/cpu#/topology/die_id",
    f"{_CPU}/cpu#/topology/core_id",
    f"{_CPU}/cpu#/topology/thread_siblings_list|core_cpus_list|thread_siblings|core_cpus",
    f"{_NODE}/online",
    f"{_NODE}/possible",
    f"{_NODE}/node#/",
    f"{_NODE}/node#/cpulist|cpumap",
    f"{_NODE}/node#/cpu#/",
    f"{_NODE}/node#/meminfo",
    f"{_NODE}/node#/distance",
    "/run/kvmrt/topology.json",
)
#: Interrupts, by facts/irq.py and facts/pci.py.
IRQ_PATTERNS = (
    "/proc/interrupts",
    "/proc/irq/default_smp_affinity",
    "/proc/irq/#/",
    "/proc/irq/#/smp_affinity_list|smp_affinity",
    "/proc/irq/#/effective_affinity_list|effective_affinity",
    "/proc/irq/#/*/",
    "/sys/kernel/irq/#/actions",
    "/sys/kernel/irq/#/chip_name",
    "/sys/kernel/debug/irq/irqs/#",
    f"{_PCI}/driver/",
    f"{_PCI}/msi_irqs/#",
    f"{_PCI}/net/*/",
    f"{_PCI}/virtio#/net/*/",
)

#: The boot loader's settings, entries and menu, by facts/kernel_args.py.
BOOT_PATTERNS = (
    "/boot/grub/",
    "/boot/grub/grub.cfg",
    "/boot/grub/grubenv",
    "/boot/grub2/",
    "/boot/grub2/grub.cfg",
    "/boot/grub2/grubenv",
    "/boot/loader/entries/*.conf",
    "/etc/default/grub",
    "/etc/default/grub.d/*.cfg",
    "/etc/kernel/cmdline",
    "/etc/kernel/kvmrt.arguments",
    "/etc/tuned/bootcmdline",
    "/run/ostree-booted",
)

#: Texts of the host.
PATTERNS = (
    *CPU_PATTERNS,
    # What values had before kvmrt wrote them, by facts/held.py
    "/run/kvmrt/held.json",
    # Huge pages, by facts/hugepages.py
    f"{_NODE}/node#/hugepages/hugepages-*kB/nr_hugepages",
    f"{_NODE}/node#/hugepages/hugepages-*kB/free_hugepages",
    "/sys/kernel/mm/hugepages/hugepages-*kB/nr_hugepages",
    "/sys/kernel/mm/hugepages/hugepages-*kB/free_hugepages",
    "/proc/meminfo",
    *IRQ_PATTERNS,
    *BOOT_PATTERNS,
    # Parameters of KVM, by facts/kvm.py
    "/etc/modprobe.d/*.conf",
    # Modules of the initramfs, by facts/initramfs.py
    "/etc/initramfs-tools/modules",
    "/etc/dracut.conf",
    "/etc/dracut.conf.d/*.conf",
    "/etc/mkinitcpio.conf",
    "/sys/module/kvm/parameters/halt_poll_ns",
    "/sys/module/kvm/parameters/kvmclock_periodic_sync",
    "/sys/module/kvm/parameters/nx_huge_pages",
    "/sys/module/kvm_amd/parameters/pause_filter_count",
    "/sys/module/kvm_intel/parameters/ple_gap",
    "/sys/class/iommu/",
    "/sys/class/iommu/*/",
    "/sys/module/kvm_amd/",
    # Steering of network packets, by facts/net_queues.py
    "/sys/class/net/*/queues/rx-#/rps_cpus",
    "/sys/class/net/*/queues/tx-#/xps_cpus",
    # Kernel, by facts/kernel.py
    "/proc/cmdline",
    "/proc/version",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/version",
    "/proc/sys/kernel/random/boot_id",
    # Timers, watchdog, statistics and power, by facts/knobs.py
    "/proc/sys/kernel/sched_rt_runtime_us",
    "/proc/sys/kernel/numa_balancing",
    "/proc/sys/kernel/timer_migration",
    "/proc/sys/kernel/watchdog_cpumask",
    "/proc/sys/vm/stat_interval",
    "/sys/kernel/mm/ksm/run",
    f"{_CPU}/cpu#/cpufreq/scaling_governor",
    f"{_CPU}/cpu#/power/pm_qos_resume_latency_us",
    f"{_CPU}/cpu#/cpufreq/energy_performance_preference",
    "/proc/sys/kernel/nmi_watchdog",
    "/sys/devices/system/machinecheck/machinecheck0/ignore_ce",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/debug/sched/fair_server/cpu#/runtime",
    # Idle states, by facts/idle.py
    f"{_CPU}/cpu#/cpuidle/state#/latency",
    f"{_CPU}/cpu#/cpuidle/state#/disable",
    "/sys/kernel/realtime",
    # Task shields, by facts/slices.py
    "/sys/kernel/cgroup/features",
    "/sys/fs/cgroup/cgroup.controllers",
    "/sys/fs/cgroup/cgroup.subtree_control",
    "/sys/fs/cgroup/cpuset.cpus.effective",
    "/sys/fs/cgroup/cpuset.cpus.isolated",
    "/sys/fs/cgroup/*/",
    "/sys/fs/cgroup/*/cpuset.cpus",
    "/sys/fs/cgroup/*/cpuset.cpus.effective",
    "/sys/fs/cgroup/*/cpuset.cpus.partition",
    "/sys/fs/cgroup/cpuset.mems.effective",
    "/sys/fs/cgroup/*/cpuset.mems",
    "/sys/fs/cgroup/*/cpuset.mems.effective",
    # cpusets of cgroup v1, by facts/cpusets.py
    "/sys/fs/cgroup/cpuset/*/cpuset.cpus",
    "/sys/fs/cgroup/cpuset/*/*/cpuset.cpus",
    "/sys/fs/cgroup/cpuset/*/*/*/cpuset.cpus",
    "/sys/fs/cgroup/cpuset/*/*/*/*/cpuset.cpus",
    # Containers with CPUs of their own, by facts/containers.py
    "/sys/fs/cgroup/docker/*/cpuset.cpus",
    "/sys/fs/cgroup/system.slice/docker-*.scope/cpuset.cpus",
    "/sys/fs/cgroup/machine.slice/libpod-*.scope/cpuset.cpus",
    "/sys/fs/cgroup/kubepods/*/*/cpuset.cpus",
    "/sys/fs/cgroup/kubepods.slice/*/*.scope/cpuset.cpus",
    "/sys/fs/cgroup/kubepods.slice/*/*/*.scope/cpuset.cpus",
    "/proc/shield/procs",
    "/proc/shield/irqs",
    "/proc/shield/ltmrs",
    "/proc/shield/mems",
    "/proc/1/comm",
    "/run/systemd/system/",
    # Workqueues, by facts/workqueue.py
    "/sys/devices/virtual/workqueue/cpumask",
    "/sys/devices/virtual/workqueue/*/cpumask",
    # Mounts of huge pages, by facts/hugetlbfs.py
    "/proc/mounts",
    # Competing writers, by facts/services.py
    "/etc/default/irqbalance",
    "/etc/sysconfig/irqbalance",
    "/etc/conf.d/irqbalance",
    "/etc/systemd/system/irqbalance.service",
    "/usr/lib/systemd/system/irqbalance.service",
    "/lib/systemd/system/irqbalance.service",
    "/etc/tuned/active_profile",
    "/etc/tuned/*-variables.conf",
    "/etc/tuned/*/tuned.conf",
    "/etc/tuned/profiles/*/tuned.conf",
    "/run/tlp/",
    "/etc/sysconfig/shield",
    # What `kvmrt install-service` installs
    "/etc/systemd/system/kvmrt.service",
    "/etc/systemd/system/multi-user.target.wants/kvmrt.service/",
)

#: Texts that only host checks look at, by hostchecks/; of some only the lines that matter are kept
#: (facts/excerpts.py). Plans do without them.
CHECK_PATTERNS = (
    "/proc/self/status",
    "/proc/cpuinfo",
    "/proc/swaps",
    "/proc/sys/kernel/watchdog",
    f"{_CPU}/vulnerabilities/*",
    f"{_CPU}/intel_pstate/no_turbo",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    "/sys/devices/system/clocksource/clocksource0/available_clocksource",
    "/sys/class/misc/kvm/",
    "/sys/fs/cgroup/cpu/cpu.rt_runtime_us",
    "/sys/fs/resctrl/schemata",
    "/sys/kernel/iommu_groups/#/",
    "/sys/kernel/kexec_crash_loaded",
    "/sys/kernel/security/lockdown",
    "/sys/kernel/tracing/available_tracers",
    "/sys/fs/selinux/enforce",
    "/sys/module/apparmor/parameters/enabled",
    "/sys/module/kvm*/",
    "/sys/module/kvm*/parameters/*",
    "/sys/module/rcutree/parameters/kthread_prio",
    "/etc/systemd/system/*/kvmrt.service/",
)

#: Processes of which `comm` is captured: writers of the same settings, and libvirt's daemons.
DAEMONS = frozenset(
    {
        "dockerd",
        "irqbalance",
        "ksmtuned",
        "kubelet",
        "libvirtd",
        "numad",
        "power-profiles-",  # the kernel cuts a name after 15 bytes
        "stalld",
        "thermald",
        "tlp",
        "tuned",
        "virtqemud",
    }
)
#: Beginning of the names of QEMU's processes: `qemu-system-x86`, `qemu-kvm`.
QEMU_PREFIX = "qemu"

#: Of each of these daemons, below /proc/PID.
DAEMON_PATTERNS = ("/limits",)
CHECK_DAEMON_PATTERNS = ("/limits", "/status")
#: Of each QEMU process, below /proc/PID.
QEMU_PATTERNS = (
    "/cmdline",
    "/cgroup",
    "/limits",
    "/status",
    "/task/#/comm",
    "/task/#/stat",
    "/task/#/status",
)

#: Beginnings of the names of kernel threads of which `stat` is captured, by facts/kthreads.py.
KTHREAD_PREFIXES = ("rcuc/", "ktimers/", "ksoftirqd/", "rcub/")
#: The same of those that the kernel binds or places itself: of all others that can be moved `stat` and
#: `status` are captured.
BOUND_KTHREAD_PREFIXES = ("kworker/", "migration/", "cpuhp/", "irq_work/", "idle_inject/", "irq/")
#: The same of those that work for a guest, by facts/guest_kthreads.py, and what of each is captured.
GUEST_KTHREAD_PREFIXES = ("kvm-pit/", "vhost-", "kvm-nx-lpage-recovery-")
GUEST_KTHREAD_PATTERNS = ("/stat", "/status", "/cgroup")
