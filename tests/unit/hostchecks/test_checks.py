# SPDX-License-Identifier: Apache-2.0
"""Single host checks: the texts of a host, and what is said about them."""

from __future__ import annotations

import pytest

from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.facts.snapshot import RawDomain, RawLibvirt, Snapshot
from kvmrt_plan.hostchecks.check import HostView, Status
from kvmrt_plan.hostchecks.table import CHECKS
from kvmrt_plan.placement.place import place
from kvmrt_plan.rules.check import check as find

CPU = "/sys/devices/system/cpu"
IDLE = f"{CPU}/cpu1/cpuidle"
IRQ = "/proc/irq/24"
KTHREADS = "/sys/module/rcutree/parameters/kthread_prio"
IRQBALANCE = {"/proc/9/comm": "irqbalance\n"}
ENTRY = "/boot/loader/entries/a.conf"
SYSCTL = "/proc/sys/kernel"
KVM = "/sys/module/kvm/parameters"
RELEASE = {f"{SYSCTL}/osrelease": "6.1.0-rt\n"}
CONFIG = "/boot/config-6.1.0-rt"
BUILT = "".join(
    f"CONFIG_{name}=y\n"
    for name in ("CPUSETS", "NO_HZ_FULL", "RCU_NOCB_CPU", "HOTPLUG_CPU", "CPU_ISOLATION")
)
TSC = {"/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n"}
CGROUP = {
    "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n",
    "/sys/fs/cgroup/system.slice/cpuset.cpus.effective": "0-3\n",
}
REDHAWK = {"/proc/shield/procs": "0\n", "/proc/shield/irqs": "0\n", "/proc/shield/ltmrs": "0\n"}
CPUS = {
    f"{CPU}/present": "0-3\n",
    f"{CPU}/online": "0-3\n",
    **{f"{CPU}/cpu{n}/topology/thread_siblings_list": f"{n}\n" for n in range(4)},
}
UUID = "fde74e84-0e1b-404e-90e7-72101e79c48a"
RT = f"vms:\n  rt1:\n    uuid: {UUID}\n    cpuset: 2-3\n    rt: true\n"


def outcome(number: int, files: dict[str, str], *, links=None, libvirt=None, text: str = ""):
    """What one check says on a host of these texts, with a configuration if there is a text."""
    snapshot = Snapshot(name="host", captured="", files=files, links=links or {}, libvirt=libvirt)
    facts = gather_facts(snapshot)
    more = {}
    if text:
        configuration, problems = load_configuration(text.encode(), file="kvmrt.yaml")
        assert not problems
        placement = place(configuration, facts)
        more = {
            "configuration": configuration,
            "placement": placement,
            "findings": find(configuration, facts, placement),
        }
    view = HostView(snapshot=snapshot, facts=facts, is_live=True, **more)
    check = next(one for one in CHECKS if one.number == number)
    return check.run(view)


def cmdline(text: str, **files: str) -> dict[str, str]:
    return {"/proc/cmdline": f"BOOT_IMAGE=/vmlinuz {text}\n", **files}


def told(*args, **kwargs) -> tuple[str, str, str]:
    found = outcome(*args, **kwargs)
    return str(found.status), found.present, found.wanted


def domain(inner: str) -> RawLibvirt:
    xml = (
        f"<domain type='kvm'><name>rt1</name><uuid>{UUID}</uuid>"
        f"<memory unit='GiB'>4</memory><vcpu>1</vcpu>{inner}</domain>"
    )
    raw = RawDomain(
        uuid=UUID,
        name="rt1",
        state="shut off",
        persistent=True,
        autostart=False,
        xml=xml,
        live_xml="",
    )
    return RawLibvirt(uri="qemu:///system", version=9_000_000, domains=(raw,))


@pytest.mark.parametrize(
    ("number", "files", "expected"),
    [
        (1, {"/proc/self/status": "CapEff:\t000001ffffffffff\n"}, ("pass", "all that are needed", "")),
        (1, {"/proc/self/status": "CapEff:\t0000000000000000\n"},
         ("fail", "without CAP_IPC_LOCK, CAP_SYS_ADMIN, CAP_SYS_NICE, CAP_SYS_RESOURCE",
          "with CAP_IPC_LOCK, CAP_SYS_ADMIN, CAP_SYS_NICE, CAP_SYS_RESOURCE")),
        (2, {f"{KVM}/nested": "Y\n"}, ("fail", "no /dev/kvm", "/dev/kvm, with kvm_intel or kvm_amd loaded")),
        (4, {"/proc/7/comm": "libvirtd\n", "/proc/7/status": "CapEff:\t000001ffffffffff\n"},
         ("pass", "libvirt's daemon may raise the limit (CAP_SYS_RESOURCE)", "")),
        (4, {"/proc/7/comm": "libvirtd\n", "/proc/7/status": "CapEff:\t0\n",
             "/proc/7/limits": "Max locked memory  65536  65536  bytes\n"},
         ("fail", "limit 64 KiB, without CAP_SYS_RESOURCE", "CAP_SYS_RESOURCE")),
        (5, {**RELEASE, "/sys/kernel/realtime": "1\n"}, ("pass", "6.1.0-rt (PREEMPT_RT)", "")),
        (5, {f"{SYSCTL}/osrelease": "6.12.0\n"}, ("warn", "6.12.0", "PREEMPT_RT or RedHawk")),
        (5, {f"{SYSCTL}/osrelease": "5.10-RedHawk-8.4\n"}, ("pass", "5.10-RedHawk-8.4 (RedHawk)", "")),
        (6, {**RELEASE, CONFIG: BUILT},
         ("pass", "CPUSETS, NO_HZ_FULL, RCU_NOCB_CPU, HOTPLUG_CPU, CPU_ISOLATION", "")),
        (6, {**RELEASE, CONFIG: BUILT.replace("CONFIG_CPUSETS=y", "# CONFIG_CPUSETS is not set")},
         ("warn", "without CPUSETS", "CONFIG_CPUSETS=y")),
        (7, {"/sys/fs/cgroup/cpu/cpu.rt_runtime_us": "950000\n", "/sys/fs/cgroup/cpuset/cpuset.cpus": "0\n"},
         ("fail", "on, with cgroup v1", "off")),
        (7, {**RELEASE, CONFIG: "CONFIG_RT_GROUP_SCHED=y\n", **CGROUP}, ("warn", "on", "off")),
        (7, {**RELEASE, CONFIG: "CONFIG_RT_GROUP_SCHED=y\n",
             **cmdline("rt_group_sched=0")}, ("pass", "switched off at boot (rt_group_sched=0)", "")),
        (8, CGROUP, ("pass", "v2 with cpuset", "")),
        (8, {"/sys/fs/cgroup/cgroup.controllers": "cpu\n"}, ("fail", "v2 without cpuset", "v2 with cpuset")),
        (8, {"/sys/fs/cgroup/cpuset/cpuset.cpus": "0\n"}, ("warn", "v1", "v2")),
        (8, REDHAWK, ("pass", "RedHawk's shield", "")),
        (9, {**CGROUP, "/sys/fs/cgroup/cgroup.subtree_control": "cpuset cpu\n"},
         ("pass", "cpuset is enabled below the root", "")),
        (9, CGROUP, ("warn", "cpuset is not enabled below the root", "cpuset in cgroup.subtree_control")),
        (10, CGROUP, ("warn", "no cpuset.cpus.partition", "cpuset partitions")),
        (10, {**CGROUP, "/sys/fs/cgroup/cpuset.cpus.isolated": "\n"},
         ("pass", "isolated partitions, which unbound workqueues avoid too", "")),
        (11, {**CGROUP, "/sys/fs/cgroup/x.slice/cpuset.cpus.partition": "isolated invalid (Cpu list)\n"},
         ("warn", "x.slice (isolated invalid (Cpu list))", "no invalid partition")),
        (12, cmdline("isolcpus=domain,managed_irq,2-3 nohz_full=2-3 rcu_nocbs=2-3", **{
            f"{CPU}/isolated": "2-3\n", f"{CPU}/nohz_full": "2-3\n"}),
         ("pass", "isolcpus=2-3, nohz_full=2-3, rcu_nocbs=2-3", "")),
        (12, cmdline("nohz_full=2-3 rcu_nocbs=2", **{f"{CPU}/nohz_full": "(null)\n"}),
         ("warn", "nohz_full=2-3, but the kernel has none; nohz_full=2-3 is not within rcu_nocbs=2",
          "lists that agree")),
        (12, cmdline("isolcpus=2-3 irqaffinity=0-2", **{f"{CPU}/isolated": "2-3\n"}),
         ("warn", "irqaffinity sends interrupts to the isolated CPUs 2", "lists that agree")),
        (21, {**IRQBALANCE}, ("warn", "runs on all CPUs", "off, or CPUs of VMs banned")),
        (25, {f"{SYSCTL}/sched_rt_runtime_us": "-1\n"}, ("pass", "-1", "")),
        (25, {f"{SYSCTL}/sched_rt_runtime_us": "950000\n"}, ("warn", "950000 us of each period", "-1")),
        (25, {f"{SYSCTL}/sched_rt_runtime_us": "-1\n",
              "/sys/kernel/debug/sched/fair_server/cpu2/runtime": "50000000\n"},
         ("warn", "-1, but the fair server runs on CPUs 2", "runtime 0")),
        (26, {KTHREADS: "1\n"}, ("warn", "1, vCPUs have 1", "more than 1")),
        (26, {KTHREADS: "11\n"}, ("pass", "11, vCPUs have 1", "")),
        (27, {f"{SYSCTL}/watchdog": "0\n", f"{SYSCTL}/nmi_watchdog": "0\n"}, ("pass", "off", "")),
        (27, {f"{SYSCTL}/watchdog": "1\n", f"{SYSCTL}/watchdog_cpumask": "0-3\n"},
         ("warn", "on, for CPUs 0-3", "off on CPUs of real-time VMs")),
        (28, {**TSC, "/proc/cpuinfo": "flags : tsc constant_tsc nonstop_tsc\n"}, ("pass", "tsc", "")),
        (28, {**TSC, "/proc/cpuinfo": "flags : tsc constant_tsc\n"},
         ("warn", "tsc, without nonstop_tsc", "constant_tsc and nonstop_tsc")),
        (28, {next(iter(TSC)): "hpet\n"}, ("fail", "hpet", "tsc")),
        (28, {next(iter(TSC)): "arch_sys_counter\n"}, ("pass", "arch_sys_counter", "")),
        (29, {"/proc/cpuinfo": "flags : tsc tsc_deadline_timer nonstop_tsc\n",
              "/sys/module/kvm_amd/parameters/avic": "N\n"}, ("warn", "without avic", "avic")),
        (30, {f"{CPU}/online": "0-1\n", f"{CPU}/present": "0-1\n",
              **{f"{CPU}/cpu{n}/cpufreq/scaling_governor": "powersave\n" for n in (0, 1)}},
         ("warn", "powersave on 2 CPUs", "performance on CPUs 0-1")),
        (31, {**CPUS, f"{IDLE}/state0/latency": "0\n", f"{IDLE}/state3/latency": "133\n"},
         ("warn", "up to 133 us to wake CPUs 1", "at most 10 us")),
        (31, {**CPUS, f"{IDLE}/state3/latency": "133\n", f"{IDLE}/state3/disable": "1\n"},
         ("pass", "at most 10 us", "")),
        (31, {**CPUS, f"{IDLE}/state3/latency": "133\n",
              f"{CPU}/cpu1/power/pm_qos_resume_latency_us": "n/a\n"}, ("pass", "at most 10 us", "")),
        (32, {"/proc/8/comm": "tuned\n", "/etc/tuned/active_profile": "realtime-virtual-host\n"},
         ("warn", "tuned (realtime-virtual-host)", "none")),
        (33, {"/sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n",
              "/sys/kernel/mm/ksm/run": "1\n", "/proc/swaps": "Filename Type\n/dev/sda2 partition\n"},
         ("warn", "transparent huge pages always, KSM runs, 1 swap area", "off")),
        (33, {"/proc/swaps": "Filename\tType\n"}, ("pass", "nothing moves pages", "")),
        (37, {f"{KVM}/kvmclock_periodic_sync": "N\n", f"{KVM}/nx_huge_pages": "never\n",
              f"{KVM}/halt_poll_ns": "0\n"},
         ("pass", "kvmclock_periodic_sync=N, nx_huge_pages=never, halt_poll_ns=0", "")),
        (37, {"/sys/module/kvm_intel/parameters/ple_gap": "128\n"},
         ("warn", "ple_gap=128", "kvm_intel.ple_gap=0")),
        (43, cmdline("quiet isolcpus=2-3", **{"/etc/kernel/cmdline": "quiet isolcpus=2-5 nosmt\n"}),
         ("warn", "isolcpus 2-3 -> 2-5, nosmt absent -> set", "booted as configured")),
        (43, cmdline("quiet", **{"/etc/default/grub": 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n'}),
         ("pass", "booted as configured", "")),
        (43, {**RELEASE, **cmdline("isolcpus=1", **{
            ENTRY: "linux /vmlinuz-6.1.0-rt\noptions root=/dev/sda1 isolcpus=1-2\n"})},
         ("warn", "isolcpus 1 -> 1-2", "booted as configured")),
        (47, REDHAWK, ("pass", "nothing is shielded", "")),
        (47, {**REDHAWK, "/proc/shield/procs": "c\n"},
         ("warn", "CPUs 2-3 are shielded, and not for a VM", "no shield while no VM runs")),
        (48, {**CPUS, f"{CPU}/online": "0-2\n"},
         ("warn", "CPUs 3 are offline, and not by kvmrt", "online, or known why")),
        (51, {**REDHAWK, **cmdline("workqueue.pri=3")}, ("pass", "workqueue.pri=3", "")),
        (51, {**REDHAWK, **cmdline("quiet")}, ("fail", "absent", "workqueue.pri=3")),
        (51, cmdline("quiet"), ("skip", "not a RedHawk kernel", "")),
        (52, {**REDHAWK, **cmdline("msi_affinity_mask=0-1 irqaffinity=0-1")},
         ("pass", "msi_affinity_mask=0-1, irqaffinity=0-1", "")),
        (52, {**REDHAWK, **cmdline("msi_affinity_mask=0-1")},
         ("fail", "msi_affinity_mask=0-1, irqaffinity=absent", "the same list in both")),
        (52, {**REDHAWK, **cmdline("msi_affinity_mask=[1] irqaffinity=1")},
         ("fail", "msi_affinity_mask=[1], irqaffinity=1", "a list with CPU 0 in it")),
        (52, {**REDHAWK, **cmdline("msi_affinity_mask=x irqaffinity=1")},
         ("fail", "a list that cannot be read: 'x': is neither a number nor a range such as 4-7",
          "lists such as 0-3")),
        (53, {f"{KVM}/kvmrt_gs_hc_host_enabled": "1\n"}, ("pass", "on", "")),
    ],
)  # fmt: skip
def test_a_check_says_what_it_sees_and_what_it_wants(number, files, expected):
    assert told(number, files) == expected


@pytest.mark.parametrize(
    ("number", "files", "expected"),
    [
        (13, CPUS, ("pass", "no real-time VM owns it", "")),
        (18, CPUS, ("pass", "each VM has them", "")),
        (21, {**CPUS, **IRQBALANCE,
              "/etc/default/irqbalance": "IRQBALANCE_BANNED_CPULIST=2-3\n"},
         ("pass", "runs, leaves CPUs 2-3 alone", "")),
        (21, {**CPUS, **IRQBALANCE}, ("warn", "runs on all CPUs", "off, or 2-3 banned")),
        (22, {**CPUS, f"{IRQ}/smp_affinity_list": "0-3\n", f"{IRQ}/effective_affinity_list": "2\n"},
         ("warn", "movable 24", "none on CPUs 2-3")),
        (22, {**CPUS, f"{IRQ}/smp_affinity_list": "0-3\n", f"{IRQ}/effective_affinity_list": "1\n"},
         ("pass", "none goes there", "")),
        (23, {**CPUS, "/proc/irq/default_smp_affinity": "f\n"}, ("warn", "0-3", "0-1")),
        (24, {**CPUS, "/sys/devices/virtual/workqueue/cpumask": "3\n"}, ("pass", "0-1", "")),
        (24, {**CPUS, "/sys/devices/virtual/workqueue/cpumask": "f\n"},
         ("warn", "/sys/devices/virtual/workqueue/cpumask 0-3", "without CPUs 2-3")),
        (27, {**CPUS, f"{SYSCTL}/watchdog": "1\n", f"{SYSCTL}/watchdog_cpumask": "0-1\n"},
         ("pass", "on, for CPUs 0-1 only", "")),
        (42, CPUS, ("warn", "nothing boots rt1", "kvmrt.service enabled")),
        (46, {**CPUS, **CGROUP, "/sys/fs/cgroup/kubepods.slice/cpuset.cpus.effective": "1-2\n"},
         ("warn", "kubepods.slice 2", "no CPU of real-time VMs")),
    ],
)  # fmt: skip
def test_with_a_configuration_a_check_knows_the_real_time_cpus(number, files, expected):
    assert told(number, files, text=RT) == expected


def test_an_error_of_a_rule_fails_the_check_with_the_remedy_of_the_rule():
    found = outcome(16, CPUS, text=RT.replace("2-3", "2-9"))

    assert found.status is Status.FAIL
    assert found.present.startswith("KR110 rt1: ")
    assert found.remedy


@pytest.mark.parametrize(
    ("number", "inner", "files", "expected"),
    [
        (34, "<memoryBacking><hugepages/></memoryBacking>", {},
         ("fail", "0 MiB reserved for 4096 MiB of guests", "room for each guest")),
        (34, "<memoryBacking><hugepages/></memoryBacking>",
         {"/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages": "4\n"},
         ("pass", "4096 MiB reserved for 4096 MiB of guests", "")),
        (38, "<devices><hostdev mode='subsystem' type='pci'/></devices>", {},
         ("fail", "off, but rt1 have PCI devices", "remapping on")),
        (39, "<cputune><cachetune vcpus='0'/></cputune>", {},
         ("fail", "not mounted, but rt1 ask for it", "resctrl mounted")),
        (39, "<cputune><cachetune vcpus='0'/></cputune>", {"/sys/fs/resctrl/schemata": "L3:0=f\n"},
         ("pass", "resctrl is mounted", "")),
        (3, "", {}, ("pass", "libvirt 9.0.0 at qemu:///system, 1 domains", "")),
    ],
)  # fmt: skip
def test_what_a_domain_asks_for_must_be_there(number, inner, files, expected):
    assert told(number, files, libvirt=domain(inner)) == expected


def test_kvm_is_there_when_its_device_is_and_a_hypervisor_below_is_said():
    links = {"/sys/class/misc/kvm": "x", "/sys/module/kvm_intel": ""}

    assert told(2, {}, links=links) == ("pass", "/dev/kvm (kvm_intel)", "")
    assert told(2, {"/proc/cpuinfo": "flags : hypervisor\n"}, links=links) == (
        "warn", "/dev/kvm (kvm_intel), itself in a virtual machine", "bare metal",
    )  # fmt: skip


def test_remapping_is_on_when_units_and_groups_are_there():
    links = {"/sys/class/iommu/dmar0": "x", "/sys/kernel/iommu_groups/0": ""}

    assert told(38, {}, links=links) == ("pass", "1 remapping units, 1 groups", "")


def test_the_service_that_boots_vms_is_seen():
    links = {"/etc/systemd/system/multi-user.target.wants/kvmrt.service": "/usr/lib/x"}

    assert told(42, CPUS, links=links, text=RT) == ("pass", "kvmrt.service is enabled", "")
