# SPDX-License-Identifier: Apache-2.0
"""Small hosts with configurations that change them, made from a number: the same number, the same pair.

Hosts have 4 to 16 CPUs, one or two nodes, two threads per core or one; interrupts of which some are
managed, unused, or moved by their driver with every hotplug; irqbalance, network queues and units with
explicit CPU lists, or cpusets of cgroup v1; a boot loader of any kind or none; one to three domains, of
which some run, with wrong
pins, names, topologies, balloons and autostart.
A pair is given only when its plan has changes and no error.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import count
from uuid import UUID

from boot_hosts import HOSTS as BOOT_LOADERS
from raw_host import (
    Guest,
    Interrupt,
    Machine,
    confinement_files,
    cpu_files,
    guest_files,
    interrupt_files,
    kernel_files,
    kernel_thread_files,
    kvm_files,
    libvirt_daemon_files,
    node_files,
    noise_files,
    raw_domain,
)

from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.facts.irqbalance import banned_cpus
from kvmrt_plan.facts.snapshot import RawLibvirt, Snapshot
from kvmrt_plan.hosts.simulated.network_queues import spread_queues, spread_sending
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

_CGROUPS = "/sys/fs/cgroup"


@dataclass(frozen=True)
class Pair:
    """A host and what it should become."""

    name: str
    snapshot: Snapshot
    configuration: bytes

    @property
    def goal(self) -> Goal:
        """What a plan is made for."""
        return goal_of(self.configuration, file=f"{self.name}.yaml")


class _SingleThreaded(Machine):
    """Cores with one hardware thread."""

    @property
    def cpus(self) -> CpuSet:
        return CpuSet(range(self.cores))

    def node_cpus(self, node: int) -> CpuSet:
        first = node * self.cores_per_socket
        return CpuSet(range(first, first + self.cores_per_socket))

    def siblings(self, cpu: int) -> CpuSet:
        return CpuSet((cpu,))


def goal_of(configuration: bytes, *, file: str) -> Goal:
    """The goal of a configuration that has no errors."""
    value, findings = load_configuration(configuration, file=file)
    assert value is not None, findings
    return Goal(configuration=value, findings=findings)


def make_pair(number: int) -> Pair:
    """The pair of that number."""
    for attempt in count():
        pair = _Draw(f"{number}.{attempt}").pair(number)
        plan = plan_host(pair.goal, pair.snapshot)
        if plan.actions and not plan.is_errored:
            return pair
    raise AssertionError


class _Draw:
    """Draws one pair; it need not have a plan."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        # Apart, so that what it is asked for leaves the hosts of all numbers as they are.
        self._further = random.Random(f"{seed} further")
        self._writers = random.Random(f"{seed} writers")
        self._threads = random.Random(f"{seed} threads")
        self._shield = random.Random(f"{seed} shield")
        self._evacuation = random.Random(f"{seed} evacuation")
        loaders = (*sorted(BOOT_LOADERS), "")
        self._loader = loaders[random.Random(f"boot {seed}").randrange(len(loaders))]

    def pair(self, number: int) -> Pair:
        machine = self._machine()
        vms = self._vms(machine)
        guests = [self._guest(index, vm, machine) for index, vm in enumerate(vms)]
        if self._chance(0.3):
            guests.append(self._guest(len(vms), {"name": "foreign", "nr_vcpus": 1}, machine))
        return Pair(
            name=f"pair-{number}",
            snapshot=self._snapshot(number, machine, guests),
            configuration=_yaml(vms, self._host_part() | (_BOOT if self._loader else {})),
        )

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _asks(self, probability: float) -> bool:
        return self._further.random() < probability

    def _writes(self, probability: float) -> bool:
        return self._writers.random() < probability

    def _timers(self, probability: float) -> bool:
        return self._threads.random() < probability

    def _machine(self) -> Machine:
        kind = Machine if self._chance(0.7) else _SingleThreaded
        threads = 2 if kind is Machine else 1
        sockets = self._random.choice((1, 2))
        cores = self._random.randint(max(1, 4 // (threads * sockets)), 16 // (threads * sockets))
        return kind(sockets=sockets, cores_per_socket=cores)

    def _cpus(self, machine: Machine) -> CpuSet:
        """Any CPUs, all of them more often."""
        if self._chance(0.4):
            return machine.cpus
        numbers = list(machine.cpus)
        return CpuSet(self._random.sample(numbers, self._random.randint(1, len(numbers))))

    def _vms(self, machine: Machine) -> list[dict[str, object]]:
        free = list(range(1, machine.cores))
        vms = []
        for index in range(self._random.randint(1, 3)):
            if len(free) < 2:
                break
            size = self._random.randint(1, min(4, len(free) - 1))
            cores, free = free[:size], free[size:]
            vms.append(self._vm(index, CpuSet(cores)))
        return vms or [self._vm(0, CpuSet((machine.cores - 1,)))]

    def _vm(self, index: int, cpuset: CpuSet) -> dict[str, object]:
        vm: dict[str, object] = {
            "name": f"vm{index}",
            "uuid": str(UUID(int=index + 1)),
            "nr_vcpus": self._random.randint(1, 4),
            "cpuset": str(cpuset),
            "rt": self._chance(0.7),
            "hide_kvm": self._chance(0.3),
            "autostart": self._chance(0.8),
        }
        if self._chance(0.3):
            vm["title"] = "A title"
        if self._chance(0.3):
            vm["iothreads"] = self._random.randint(0, 2)
        if self._chance(0.2):
            vm["vcpu_scheduler"] = "{policy: fifo, priority: 1}"
        if self._asks(0.1):
            vm["emulator_scheduler"] = "{policy: rr, priority: 2}"
            vm["iothread_scheduler"] = "{policy: fifo, priority: 1}"
        if self._chance(0.2):
            vm["cpu_topology"] = f"{vm['nr_vcpus']},1,1"
        if self._asks(0.2):
            vm["hugepages"] = self._further.choice(("2M", "1G"))
        if self._asks(0.2):
            vm["cpu_mode"] = "host-passthrough"
            vm["invtsc"] = True
            vm["migratable"] = False
        if self._asks(0.2):
            vm["page_sharing"] = False
            vm["memory_allocation"] = "immediate"
            vm["pmu"] = False
            vm["hpet"] = False
        return vm

    def _host_part(self) -> dict[str, object]:
        """Irqbalance on most hosts, its threads on many, and settings of the kernel's on half of them."""
        balancer: dict[str, object] = {"irqbalance": "managed"} if self._writes(0.7) else {}
        if self._timers(0.5):
            balancer["kernel_threads"] = self._threads.choice(_KERNEL_THREADS)
        if self._shield.random() < 0.3:
            balancer["shield"] = "allowed-cpus"
        if self._evacuation.random() < 0.7:
            balancer["evacuate_cpus"] = True
        if self._asks(0.5):
            return dict(balancer)
        offered = {
            "quiet_kernel": True,
            "rt_throttling": False,
            "governor": "performance",
            "energy_preference": "performance",
            "cpu_latency_us": 3,
            "idle_exit_us": 10,
            "nmi_watchdog": False,
            "machine_check_polling": False,
            "page_merging": "unmerged",
            "transparent_hugepages": "never",
            "reserve_hugepages": True,
            "memory_shield": True,
            "kvm": "{halt_poll_ns: 0, kvmclock_periodic_sync: false, nx_huge_pages: never}",
        }
        return balancer | {name: value for name, value in offered.items() if self._asks(0.4)}

    def _guest(self, index: int, vm: dict[str, object], machine: Machine) -> Guest:
        """The domain as somebody made it by hand."""
        runs = self._chance(0.4)
        vcpus = int(str(vm["nr_vcpus"])) if self._chance(0.6) else self._random.randint(1, 4)
        keys = [str(vcpu) for vcpu in range(vcpus)] + ["emulator"]
        pinned = [key for key in keys if self._chance(0.5)] if vm["name"] != "foreign" else []
        return Guest(
            name=str(vm["name"]) if runs or self._chance(0.7) else f"old-{index}",
            uuid=str(UUID(int=index + 1)),
            mac=f"52:54:00:00:00:{index:02x}",
            vcpus=vcpus,
            memory_gib=1,
            title="Of old" if self._chance(0.3) else "",
            pins={key: str(self._cpus(machine)) for key in pinned},
            nodes="0" if self._chance(0.3) else "",
            is_locked=self._chance(0.3),
            has_balloon=self._chance(0.6),
            has_topology=self._chance(0.5),
            has_autostart=self._chance(0.3),
            pid=2000 + 100 * index if runs else None,
            has_timer=self._timers(0.6),
            # A cgroup that a pin changes takes its threads along, and back to where it was itself.
            has_worker_at_home=True,
        )

    def _make_legacy(
        self,
        files: dict[str, str],
        links: dict[str, str],
        machine: Machine,
        guests: list[Guest],
    ) -> None:
        """Have cgroup v1 in place of v2: libvirt's cpusets, and at times one of an engine's."""
        for path in [path for path in files if path.startswith(_CGROUPS)]:
            del files[path]
        names = ["", "/machine"]
        for guest in guests:
            if guest.pid is not None:
                own = f"/machine/qemu-{guest.pid}-{guest.name}.libvirt-qemu"
                names += [own, f"{own}/emulator"]
        sets = dict.fromkeys(names, machine.online)
        if self._shield.random() < 0.5:
            numbers = list(machine.cpus)
            chosen = self._shield.sample(numbers, self._shield.randint(1, len(numbers)))
            # A cpuset of nothing but CPUs that go offline is left without any, and cannot be mended.
            sets["/docker"] = CpuSet((0, *chosen)) & machine.online
        for name, cpus in sets.items():
            files[f"{_CGROUPS}/cpuset{name}/cpuset.cpus"] = f"{cpus}\n"
        files[f"{_CGROUPS}/cpuset/tasks"] = "root\n"
        for folder in [path for path in links if path.startswith(_CGROUPS)]:
            del links[folder]

    def _interrupts(self, machine: Machine) -> list[Interrupt]:
        found = [Interrupt(number=0, action="timer", affinity=machine.cpus, chip="IO-APIC")]
        for number in range(24, 24 + self._random.randint(3, 8)):
            managed = self._chance(0.2)
            action = f"nvme0q{number - 20}" if managed else f"eth0-{number}"
            found.append(
                Interrupt(
                    number=number,
                    action="" if self._chance(0.1) else action,
                    affinity=self._cpus(machine),
                    is_managed=managed,
                )
            )
        queues = self._random.randint(1, 3) if self._chance(0.4) else 0
        actions = [
            f"virtio0-{name}.{queue}" for queue in range(queues) for name in ("input", "output")
        ]
        return [
            *found,
            *(
                Interrupt(number=40 + place, action=action, affinity=self._queue_cpus(machine))
                for place, action in enumerate(actions)
            ),
        ]

    def _queue_cpus(self, machine: Machine) -> CpuSet:
        """Some are where no VM is, and would stay there if no driver moved them."""
        cpus = self._cpus(machine)
        return CpuSet((machine.cpus.first,)) if self._writes(0.4) else cpus

    def _balancer(self, machine: Machine) -> dict[str, str]:
        """Irqbalance with settings as its users have them, and the answer of its socket."""
        if self._writes(0.4):
            return {}
        settings = self._writers.choice(
            (
                "",
                "# none\n#IRQBALANCE_BANNED_CPULIST=\n",
                f"IRQBALANCE_BANNED_CPULIST={machine.cpus.first}",
                'IRQBALANCE_ARGS="-j"\nIRQBALANCE_BANNED_CPUS=1\nIRQBALANCE_BANNED_CPULIST=0-1\n',
            )
        )
        files = {"/etc/default/irqbalance": settings} if self._writes(0.8) else {}
        unit = "[Service]\nEnvironmentFile=-/etc/default/irqbalance\n"
        files["/lib/systemd/system/irqbalance.service"] = unit
        if self._writes(0.9):
            files["/proc/700/comm"] = "irqbalance\n"
        if "/proc/700/comm" in files and self._writes(0.8):
            mask = _mask(banned_cpus(settings) or EMPTY, machine).strip()
            files["/run/irqbalance/irqbalance700.sock"] = f"SLEEP 10 BANNED {mask}"
        return files

    def _queues(self, machine: Machine) -> dict[str, str]:
        """Masks of RPS, most of which name no CPU, and of XPS."""
        queues = self._writers.randint(0, 3)
        found = {}
        for queue in range(queues):
            folder = "/sys/class/net/eth0/queues"
            rps = self._some(machine) if self._writes(0.4) else EMPTY
            found[f"{folder}/rx-{queue}/rps_cpus"] = _mask(rps, machine)
            found[f"{folder}/tx-{queue}/xps_cpus"] = _mask(self._some(machine), machine)
        return found

    def _some(self, machine: Machine) -> CpuSet:
        numbers = list(machine.cpus)
        return CpuSet(self._writers.sample(numbers, self._writers.randint(1, len(numbers))))

    def _snapshot(self, number: int, machine: Machine, guests: list[Guest]) -> Snapshot:
        files, links = interrupt_files(self._interrupts(machine), default=self._cpus(machine))
        if self._chance(0.5):
            # As the driver leaves them, and not as somebody has set them since.
            files.update(spread_queues(files, machine.online))
        files.update(
            kernel_files(release="6.1.0-rt", version="#1 SMP PREEMPT_RT", command_line="ro")
        )
        files.update(cpu_files(machine))
        files.update(node_files(machine))
        files.update(kvm_files())
        files.update(noise_files(machine))
        if self._timers(0.6):
            files.update(kernel_thread_files(machine, first=20))
        files["/sys/kernel/mm/transparent_hugepage/enabled"] = "always [madvise] never\n"
        files.update(confinement_files(machine, allowed=machine.cpus))
        for unit in ("init.scope", "system.slice", "user.slice"):
            cpus = self._cpus(machine)
            files[f"{_CGROUPS}/{unit}/cpuset.cpus"] = f"{cpus}\n"
            files[f"{_CGROUPS}/{unit}/cpuset.cpus.effective"] = f"{cpus}\n"
        if self._shield.random() < 0.2:
            self._make_legacy(files, links, machine, guests)
        files["/sys/devices/virtual/workqueue/cpumask"] = _mask(self._cpus(machine), machine)
        default = "/proc/irq/default_smp_affinity"
        files[default] = _mask(CpuSet.parse_mask(files[default]), machine)
        files.update(libvirt_daemon_files(812))
        files["/proc/1/comm"] = "systemd\n"
        if self._loader:
            boot_files, folders = BOOT_LOADERS[self._loader]
            files.update(boot_files)
            links.update(dict.fromkeys(folders, ""))
        files.update(self._balancer(machine))
        files.update(self._queues(machine))
        if "virtio0-" in files["/proc/interrupts"]:
            # eth0 is virtio's: with its interrupts it spreads who sends by which queue.
            links["/sys/bus/pci/devices/0000:00:03.0/virtio0/net/eth0"] = ""
            if self._writes(0.5):
                # As the driver leaves it, and not as somebody has set it since.
                files.update(spread_sending(files, links, machine.online))
        for guest in guests:
            files.update(guest_files(guest, online=machine.online))
        return Snapshot(
            name=f"pair-{number}",
            captured="2026-11-22T10:12:00Z",
            files=files,
            links=links,
            libvirt=RawLibvirt(
                uri="qemu:///system", version=9_000_000, domains=tuple(map(raw_domain, guests))
            ),
        )


def _mask(cpus: CpuSet, machine: Machine) -> str:
    """As wide as the kernel prints it."""
    return cpus.format_mask().rjust(-(-len(machine.cpus) // 4), "0") + "\n"


_KERNEL_THREADS = (
    "{rcuc: above-guests, ktimers: above-guests, unbound: housekeeping}",
    "{rcuc: 4, ktimers: 3, ksoftirqd: 2, rcub: 4}",
    "{rcub: above-guests, unbound: housekeeping}",
)
_BOOT: dict[str, object] = {
    "boot": "{rcu_nocbs: auto, irqaffinity: auto, kthread_prio: 10, arguments: [nosmt]}"
}


def _yaml(vms: list[dict[str, object]], host: dict[str, object]) -> bytes:
    lines = ["host:"] if host else []
    lines += [
        f"  {name}: {str(value).lower() if isinstance(value, bool) else value}"
        for name, value in host.items()
    ]
    lines.append("vms:")
    for vm in vms:
        lines.append(f"  {vm['name']}:")
        for name, value in vm.items():
            if name != "name":
                text = str(value).lower() if isinstance(value, bool) else value
                lines.append(f"    {name}: {text}")
    return "\n".join([*lines, ""]).encode()
