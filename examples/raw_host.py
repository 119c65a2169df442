# SPDX-License-Identifier: Apache-2.0
"""Builds the raw texts that a described machine would show: its /proc and /sys, and libvirt's XML.

A description is a few values (`Machine`, `Interrupt`, `Guest`); each function turns one of them into the
texts of one noun, in the form in which `kvmrt snapshot` captures them from a real host. Whoever makes a
host of their own for a test or an example puts them together, see `make_two_socket.py` beside this file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kvmrt_plan.facts.snapshot import RawDomain
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_CPU = "/sys/devices/system/cpu"
_NODE = "/sys/devices/system/node"
_GIB_IN_KIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Sockets of cores with two hardware threads each, one NUMA node per socket.

    CPUs are numbered as most x86 firmware does it: the first threads of all cores, then the second
    ones, so that the sibling of CPU n is n plus the number of cores.
    """

    sockets: int
    cores_per_socket: int
    memory_gib_per_node: int = 64
    #: 1 GiB pages reserved on each node.
    huge_gib_per_node: int = 0
    offline: CpuSet = field(default_factory=CpuSet)

    @property
    def cores(self) -> int:
        """All cores."""
        return self.sockets * self.cores_per_socket

    @property
    def cpus(self) -> CpuSet:
        """All logical CPUs."""
        return CpuSet(range(2 * self.cores))

    @property
    def online(self) -> CpuSet:
        """Those that are on."""
        return self.cpus - self.offline

    def node_cpus(self, node: int) -> CpuSet:
        """The CPUs of one node, offline ones included."""
        first = range(node * self.cores_per_socket, (node + 1) * self.cores_per_socket)
        return CpuSet([*first, *(cpu + self.cores for cpu in first)])

    def siblings(self, cpu: int) -> CpuSet:
        """Both threads of the CPU's core."""
        core = cpu % self.cores
        return CpuSet((core, core + self.cores))


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt:
    """One row of /proc/interrupts with its affinity."""

    number: int
    action: str
    affinity: CpuSet
    chip: str = "PCI-MSI"
    #: As /proc/interrupts has it between chip and action.
    hardware: str = ""
    #: PCI address, driver and network interface of its device.
    device: str = ""
    driver: str = ""
    interface: str = ""
    is_managed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """One libvirt domain; `pins` are keys of cputune (`emulator`, or the number of a vCPU)."""

    name: str
    uuid: str
    mac: str
    vcpus: int
    memory_gib: int
    title: str = ""
    pins: Mapping[str, str] = field(default_factory=dict)
    nodes: str = ""
    is_locked: bool = False
    has_balloon: bool = True
    has_topology: bool = True
    has_autostart: bool = False
    #: The cgroup that its own is made in: `/machine` is machine.slice.
    partition: str = "/machine"
    #: Process number of its QEMU; None: it does not run.
    pid: int | None = None
    #: Whether KVM has an interval timer for it, with a thread of the kernel's; a worker is somewhere else.
    has_timer: bool = False
    #: Whether that worker is where the emulator's cgroup has it, and not where somebody has moved it.
    has_worker_at_home: bool = False


def cpu_files(machine: Machine) -> Iterator[tuple[str, str]]:
    """CPUs and their topology; an offline CPU has no topology, and its sibling stands alone."""
    yield f"{_CPU}/possible", f"{machine.cpus}\n"
    yield f"{_CPU}/present", f"{machine.cpus}\n"
    yield f"{_CPU}/online", f"{machine.online}\n"
    yield f"{_CPU}/offline", f"{machine.offline}\n"
    yield f"{_CPU}/isolated", "\n"
    # The kernel's own words for "none" (printk of a bitmap that was never allocated).
    yield f"{_CPU}/nohz_full", "  (null)\n"
    yield f"{_CPU}/smt/control", "on\n"
    yield f"{_CPU}/smt/active", "1\n"
    for cpu in machine.cpus:
        if cpu != 0:
            yield f"{_CPU}/cpu{cpu}/online", f"{int(cpu in machine.online)}\n"
        if cpu in machine.online:
            core = cpu % machine.cores
            siblings = machine.siblings(cpu) & machine.online
            topology = f"{_CPU}/cpu{cpu}/topology"
            yield f"{topology}/physical_package_id", f"{core // machine.cores_per_socket}\n"
            yield f"{topology}/die_id", "0\n"
            yield f"{topology}/core_id", f"{core % machine.cores_per_socket}\n"
            yield f"{topology}/thread_siblings_list", f"{siblings}\n"


def node_files(machine: Machine) -> Iterator[tuple[str, str]]:
    """NUMA nodes with their CPUs, memory, distances and huge pages."""
    yield f"{_NODE}/online", f"{CpuSet(range(machine.sockets))}\n"
    total = machine.memory_gib_per_node * _GIB_IN_KIB
    for node in range(machine.sockets):
        folder = f"{_NODE}/node{node}"
        distances = ("10" if other == node else "21" for other in range(machine.sockets))
        yield f"{folder}/cpulist", f"{machine.node_cpus(node) & machine.online}\n"
        yield f"{folder}/distance", f"{' '.join(distances)}\n"
        yield (
            f"{folder}/meminfo",
            f"Node {node} MemTotal:       {total} kB\nNode {node} MemFree:        {total // 2} kB\n",
        )
        for size_kib, pages in ((2048, 0), (_GIB_IN_KIB, machine.huge_gib_per_node)):
            pool = f"{folder}/hugepages/hugepages-{size_kib}kB"
            yield f"{pool}/nr_hugepages", f"{pages}\n"
            yield f"{pool}/free_hugepages", f"{pages}\n"


def kernel_files(*, release: str, version: str, command_line: str) -> Iterator[tuple[str, str]]:
    """A PREEMPT_RT kernel."""
    yield "/proc/sys/kernel/osrelease", f"{release}\n"
    yield "/proc/sys/kernel/version", f"{version}\n"
    yield "/proc/sys/kernel/random/boot_id", "8f6c1d0e-5b7a-4c1e-9d53-0a4b7e2f6c11\n"
    yield "/proc/version", f"Linux version {release} (gcc-12, GNU ld 2.40) {version}\n"
    yield "/proc/cmdline", f"{command_line}\n"
    yield "/sys/kernel/realtime", "1\n"


def noise_files(machine: Machine) -> Iterator[tuple[str, str]]:
    """Timers, watchdog, statistics and power as Debian leaves them. A PREEMPT_RT kernel has no NUMA
    balancing.
    """
    yield "/proc/sys/kernel/watchdog_cpumask", f"{machine.cpus}\n"
    yield "/proc/sys/kernel/timer_migration", "1\n"
    yield "/proc/sys/kernel/sched_rt_runtime_us", "950000\n"
    yield "/proc/sys/vm/stat_interval", "1\n"
    yield "/sys/kernel/mm/ksm/run", "0\n"
    yield "/proc/sys/kernel/nmi_watchdog", "1\n"
    yield "/sys/devices/system/machinecheck/machinecheck0/ignore_ce", "0\n"
    for cpu in machine.online:
        for state, exit_us in enumerate((0, 2, 10, 133)):
            folder = f"{_CPU}/cpu{cpu}/cpuidle/state{state}"
            yield f"{folder}/latency", f"{exit_us}\n"
            yield f"{folder}/disable", "0\n"
        yield f"{_CPU}/cpu{cpu}/cpufreq/energy_performance_preference", "balance_performance\n"
        yield f"{_CPU}/cpu{cpu}/cpufreq/scaling_governor", "schedutil\n"
        yield f"{_CPU}/cpu{cpu}/power/pm_qos_resume_latency_us", "0\n"


def kernel_thread_files(machine: Machine, *, first: int) -> Iterator[tuple[str, str]]:
    """Threads of a PREEMPT_RT kernel, numbered from `first`: of each CPU, and some of none."""
    tid = first
    for cpu in machine.cpus:
        for name, fifo in (("rcuc", 1), ("ktimers", 1), ("ksoftirqd", 0)):
            # PF_KTHREAD and PF_NO_SETAFFINITY.
            yield f"/proc/{tid}/stat", _kthread_stat(tid, f"{name}/{cpu}", 0x04200000, fifo)
            tid += 1
    yield f"/proc/{tid}/stat", _kthread_stat(tid, "rcub/0", 0x00200000, 1)
    free = [(name, machine.cpus) for name in ("kauditd", "khungtaskd", "scsi_eh", "scsi_eh")]
    # As the kernel binds them, to the CPUs of their node that were online then.
    bound = [
        (f"{name}{node}", machine.node_cpus(node))
        for node in range(machine.sockets)
        for name in ("kswapd", "kcompactd")
    ]
    for number, (name, cpus) in enumerate((*free, *bound), tid + 1):
        yield f"/proc/{number}/stat", _kthread_stat(number, name, 0x00200000, 0)
        # As wide as the machine.
        digits = cpus.format_mask().rjust(-(-len(machine.cpus) // 4), "0")
        mask = f"Cpus_allowed:\t{digits}\nCpus_allowed_list:\t{cpus}"
        yield f"/proc/{number}/status", f"Name:\t{name}\n{mask}\n"


def _kthread_stat(tid: int, name: str, flags: int, fifo: int) -> str:
    return f"{tid} ({name}) S 2 0 0 0 0 {flags}{' 0' * 28} 17 0 {fifo} {int(fifo > 0)} 0 0 0\n"


def kvm_files() -> Iterator[tuple[str, str]]:
    """Parameters of the module kvm as the kernel has them by default."""
    words = {"halt_poll_ns": "200000", "nx_huge_pages": "Y", "kvmclock_periodic_sync": "Y"}
    for name, word in words.items():
        yield f"/sys/module/kvm/parameters/{name}", f"{word}\n"


def confinement_files(machine: Machine, *, allowed: CpuSet) -> Iterator[tuple[str, str]]:
    """Control groups v2 with systemd's top-level units, and the masks of unbound kernel work."""
    yield "/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n"
    # Of Linux 6.1, which knows isolated partitions.
    yield (
        "/sys/kernel/cgroup/features",
        "nsdelegate\nfavordynmods\nmemory_localevents\nmemory_recursiveprot\n",
    )
    yield "/sys/fs/cgroup/cgroup.subtree_control", "cpuset cpu io memory pids\n"
    yield "/sys/fs/cgroup/cpuset.cpus.effective", f"{machine.online}\n"
    nodes = CpuSet(range(machine.sockets))
    yield "/sys/fs/cgroup/cpuset.mems.effective", f"{nodes}\n"
    for unit in ("init.scope", "machine.slice", "system.slice", "user.slice"):
        limit = machine.online if unit == "machine.slice" else allowed
        folder = f"/sys/fs/cgroup/{unit}"
        # An administrator once confined the units and gave everything back; a list once set stays.
        yield f"{folder}/cpuset.cpus", f"{'' if unit == 'machine.slice' else limit}\n"
        yield f"{folder}/cpuset.cpus.effective", f"{limit}\n"
        yield f"{folder}/cpuset.cpus.partition", "member\n"
        yield f"{folder}/cpuset.mems", "\n"
        yield f"{folder}/cpuset.mems.effective", f"{nodes}\n"
    for queue in ("", "writeback/"):
        yield f"/sys/devices/virtual/workqueue/{queue}cpumask", f"{allowed.format_mask()}\n"


def interrupt_files(
    interrupts: Iterable[Interrupt], *, default: CpuSet
) -> tuple[dict[str, str], dict[str, str]]:
    """Files and links of all interrupts and of the PCI devices that raise them."""
    files = {"/proc/irq/default_smp_affinity": f"{default.format_mask()}\n"}
    links: dict[str, str] = {}
    # As captured: no name of a CPU in the first line, and no counts.
    rows = [""]
    for one in interrupts:
        words = (one.chip, one.hardware, one.action)
        rows.append(f"{one.number:>4}: {'  '.join(word for word in words if word)}".rstrip())
        files.update(_interrupt_files(one))
        if one.device:
            folder = f"/sys/bus/pci/devices/{one.device}"
            files[f"{folder}/msi_irqs/{one.number}"] = "msix\n"
            links[f"{folder}/driver"] = f"../../../../bus/pci/drivers/{one.driver}"
            if one.interface:
                files[f"{folder}/net/{one.interface}/ifindex"] = "2\n"
    files["/proc/interrupts"] = "\n".join([*rows, " NMI: Non-maskable interrupts", ""])
    return files, links


def _interrupt_files(one: Interrupt) -> Iterator[tuple[str, str]]:
    folder = f"/proc/irq/{one.number}"
    effective = CpuSet((one.affinity.first,))
    yield f"{folder}/smp_affinity_list", f"{one.affinity}\n"
    yield f"{folder}/effective_affinity_list", f"{effective}\n"
    yield f"/sys/kernel/irq/{one.number}/actions", f"{one.action}\n"
    yield f"/sys/kernel/irq/{one.number}/chip_name", f"{one.chip}\n"
    if one.is_managed:
        flags = (
            "IRQD_ACTIVATED",
            "IRQD_IRQ_STARTED",
            "IRQD_SINGLE_TARGET",
            "IRQD_AFFINITY_MANAGED",
        )
        lines = [
            "handler:  handle_edge_irq",
            f"device:   {one.device}",
            *(f"            {flag}" for flag in flags),
            f"affinity: {one.affinity}",
            f"effectiv: {effective}",
        ]
        yield f"/sys/kernel/debug/irq/irqs/{one.number}", "\n".join([*lines, ""])


def daemon_files(processes: Mapping[int, str]) -> Iterator[tuple[str, str]]:
    """Processes by number and name."""
    for pid, name in processes.items():
        yield f"/proc/{pid}/comm", f"{name}\n"


def guest_files(guest: Guest, *, online: CpuSet) -> Iterator[tuple[str, str]]:
    """The QEMU process of a guest that runs, with its threads where its pins put them."""
    if guest.pid is None:
        return
    folder = f"/proc/{guest.pid}"
    arguments = ("/usr/bin/qemu-system-x86_64", "-name", f"guest={guest.name},debug-threads=on",
                 "-uuid", guest.uuid, "")  # fmt: skip
    yield f"{folder}/comm", "qemu-system-x86\n"
    yield f"{folder}/cmdline", "\0".join(arguments)
    yield f"{folder}/limits", _limits("unlimited" if guest.is_locked else "8388608")
    locked_kib = guest.memory_gib * _GIB_IN_KIB if guest.is_locked else 0
    yield f"{folder}/status", f"Name:\tqemu-system-x86\nVmLck:\t{locked_kib:>8} kB\n"
    names = ["qemu-system-x86", "call_rcu", "IO mon_iothread"]
    names += [f"CPU {index}/KVM" for index in range(guest.vcpus)]
    for offset, name in enumerate(names):
        index = name.partition("/")[0].removeprefix("CPU ")
        pin = guest.pins.get(index if name.endswith("/KVM") else "emulator")
        affinity = CpuSet.parse(pin) if pin else online
        yield from _thread_files(f"{folder}/task/{guest.pid + offset}", name, affinity)
    if guest.has_timer:
        yield from _timer_files(guest, guest.pid, online)


def _timer_files(guest: Guest, pid: int, online: CpuSet) -> Iterator[tuple[str, str]]:
    """kvm-pit/PID, which lives in the root's cgroup, and a worker that somebody may have moved."""
    pin = guest.pins.get("emulator")
    worker = CpuSet.parse(pin) if pin and guest.has_worker_at_home else online
    scope = rf"machine-qemu\x2d1\x2d{guest.name}.scope"
    yield f"/proc/{pid}/cgroup", f"0::{guest.partition}.slice/{scope}/libvirt/emulator\n"
    yield from _thread_files(f"/proc/{pid}/task/{pid + 40}", "worker", worker)
    folder = f"/proc/{pid + 50}"
    yield f"{folder}/cgroup", "0::/\n"
    for path, text in _thread_files(folder, f"kvm-pit/{pid}", online):
        if not path.endswith("/comm"):
            # PF_KTHREAD in the flags.
            yield path, text.replace("S 1 0 0 0 0 0", "S 2 0 0 0 0 2097152", 1)


def _thread_files(folder: str, name: str, affinity: CpuSet) -> Iterator[tuple[str, str]]:
    tid = folder.rpartition("/")[2]
    # proc_pid_stat(5): state to exit_signal, then processor, rt_priority, policy.
    fields = f"S 1{' 0' * 33} 17 {affinity.first} 0 0"
    yield f"{folder}/comm", f"{name}\n"
    yield f"{folder}/stat", f"{tid} ({name}) {fields} 0 0 0\n"
    yield (
        f"{folder}/status",
        f"Name:\t{name}\nCpus_allowed:\t{affinity.format_mask()}\nCpus_allowed_list:\t{affinity}\n",
    )


def _limits(locked: str) -> str:
    head = f"{'Limit':<26}{'Soft Limit':<21}{'Hard Limit':<21}Units"
    return f"{head}\n{'Max locked memory':<26}{locked:<21}{locked:<21}bytes\n"


def libvirt_daemon_files(pid: int) -> Iterator[tuple[str, str]]:
    """Libvirt's daemon, which may lock as much memory as its guests have."""
    yield f"/proc/{pid}/comm", "libvirtd\n"
    yield f"/proc/{pid}/limits", _limits("unlimited")


def raw_domain(guest: Guest) -> RawDomain:
    """What libvirt tells of the guest; a running one has the same definition, live."""
    return RawDomain(
        uuid=guest.uuid,
        name=guest.name,
        state="shut off" if guest.pid is None else "running",
        persistent=True,
        autostart=guest.has_autostart,
        xml=domain_xml(guest),
        live_xml="" if guest.pid is None else domain_xml(guest, live_id=1),
    )


def domain_xml(guest: Guest, *, live_id: int | None = None) -> str:
    """The domain in libvirt's own normal form; with an id as virsh dumpxml prints a running one."""
    opening = "<domain type='kvm'>" if live_id is None else f"<domain type='kvm' id='{live_id}'>"
    lines = [
        opening,
        f"  <name>{guest.name}</name>",
        f"  <uuid>{guest.uuid}</uuid>",
        *([f"  <title>{guest.title}</title>"] if guest.title else []),
        *_memory_lines(guest),
        f"  <vcpu placement='static'>{guest.vcpus}</vcpu>",
        *_tuning_lines(guest),
        *(_resource(guest) if live_id is not None or guest.partition != _MACHINES else ()),
        *_MACHINE,
        *_cpu_lines(guest),
        *_LIFECYCLE,
        *_device_lines(guest, is_live=live_id is not None),
        "</domain>",
    ]
    return "\n".join([*lines, ""])


def _memory_lines(guest: Guest) -> list[str]:
    size_kib = guest.memory_gib * _GIB_IN_KIB
    lines = [
        f"  <memory unit='KiB'>{size_kib}</memory>",
        f"  <currentMemory unit='KiB'>{size_kib}</currentMemory>",
    ]
    if guest.is_locked:
        lines += ["  <memoryBacking>", "    <locked/>", "  </memoryBacking>"]
    return lines


def _tuning_lines(guest: Guest) -> list[str]:
    pins = [
        f"    <vcpupin vcpu='{key}' cpuset='{cpus}'/>"
        for key, cpus in guest.pins.items()
        if key != "emulator"
    ]
    if "emulator" in guest.pins:
        pins.append(f"    <emulatorpin cpuset='{guest.pins['emulator']}'/>")
    lines = ["  <cputune>", *pins, "  </cputune>"] if pins else []
    if guest.nodes:
        memory = f"    <memory mode='strict' nodeset='{guest.nodes}'/>"
        lines += ["  <numatune>", memory, "  </numatune>"]
    return lines


def _cpu_lines(guest: Guest) -> list[str]:
    mode = "  <cpu mode='host-passthrough' check='none' migratable='on'"
    if not guest.has_topology:
        return [f"{mode}/>"]
    topology = f"    <topology sockets='1' dies='1' cores='{guest.vcpus}' threads='1'/>"
    return [f"{mode}>", topology, "  </cpu>"]


def _device_lines(guest: Guest, *, is_live: bool) -> list[str]:
    """The devices; a line `@name` is the alias that libvirt adds when the guest runs."""
    balloon = _BALLOON if guest.has_balloon else "    <memballoon model='none'/>"
    text = _DEVICES.format(name=guest.name, mac=guest.mac, balloon=balloon)
    if is_live:
        return re.sub(r"@(\S+)", r"<alias name='\1'/>", text).splitlines()
    without = re.sub(r" *@\S+\n", "", text)
    # An element that had nothing but its alias is empty, which libvirt writes in one tag.
    return re.sub(r"<(\w+)([^<>/]*)>\n *</\1>", r"<\1\2/>", without).splitlines()


#: Where libvirt puts guests of which nothing else is said; it shows that of running ones alone.
_MACHINES = "/machine"


def _resource(guest: Guest) -> tuple[str, ...]:
    partition = f"    <partition>{guest.partition}</partition>"
    return "  <resource>", partition, "  </resource>"


_MACHINE = (
    "  <os>",
    "    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>",
    "    <boot dev='hd'/>",
    "  </os>",
    "  <features>",
    "    <acpi/>",
    "    <apic/>",
    "  </features>",
)

_LIFECYCLE = (
    "  <clock offset='utc'/>",
    "  <on_poweroff>destroy</on_poweroff>",
    "  <on_reboot>restart</on_reboot>",
    "  <on_crash>destroy</on_crash>",
)

_BALLOON = """\
    <memballoon model='virtio'>
      @balloon0
      <address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>
    </memballoon>"""

_DEVICES = """\
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='block' device='disk'>
      <driver name='qemu' type='raw' cache='none' io='native'/>
      <source dev='/dev/vg0/{name}'/>
      <target dev='vda' bus='virtio'/>
      @virtio-disk0
      <address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>
    </disk>
    <controller type='usb' index='0' model='none'>
      @usb
    </controller>
    <controller type='sata' index='0'>
      @ide
      <address type='pci' domain='0x0000' bus='0x00' slot='0x1f' function='0x2'/>
    </controller>
    <controller type='pci' index='0' model='pcie-root'>
      @pcie.0
    </controller>
    <controller type='pci' index='1' model='pcie-root-port'>
      <model name='pcie-root-port'/>
      <target chassis='1' port='0x8'/>
      @pci.1
      <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0' multifunction='on'/>
    </controller>
    <controller type='pci' index='2' model='pcie-root-port'>
      <model name='pcie-root-port'/>
      <target chassis='2' port='0x9'/>
      @pci.2
      <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x1'/>
    </controller>
    <controller type='pci' index='3' model='pcie-root-port'>
      <model name='pcie-root-port'/>
      <target chassis='3' port='0xa'/>
      @pci.3
      <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x2'/>
    </controller>
    <interface type='bridge'>
      <mac address='{mac}'/>
      <source bridge='br0'/>
      <model type='virtio'/>
      @net0
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </interface>
    <serial type='pty'>
      <target type='isa-serial' port='0'>
        <model name='isa-serial'/>
      </target>
      @serial0
    </serial>
    <console type='pty'>
      <target type='serial' port='0'/>
      @serial0
    </console>
    <input type='mouse' bus='ps2'>
      @input0
    </input>
    <input type='keyboard' bus='ps2'>
      @input1
    </input>
    <audio id='1' type='none'/>
{balloon}
  </devices>"""
