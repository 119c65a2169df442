# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009  described() is dataclasses.field(), not a value shared between instances
"""The desired state: virtual machines and host policy, as frozen values.

One definition serves everything. The readers (`ini.py`, `yaml.py`) construct these values directly;
`schema.py` hands the same classes to pydantic, which validates documents strictly and generates the
JSON schemas. They are dataclasses and not `BaseModel`s because importing pydantic and building the
models costs more processor time than a whole plan does (docs/rationale.md has the figures).

`metadata` of a field is what pydantic's `Field` takes: `description` and `examples` appear in the
schema, in `docs/configuration.md` and in the remedies of findings.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID  # noqa: TC003  pydantic resolves the annotations at run time

from kvmrt_plan.desired.boot_model import BootPolicy  # noqa: TC001  as UUID
from kvmrt_plan.desired.described import described
from kvmrt_plan.desired.guest import GuestClock, GuestMachine
from kvmrt_plan.desired.host_knobs import HostKnobs
from kvmrt_plan.desired.irqbalance import IrqbalancePolicy
from kvmrt_plan.desired.kvm_model import KvmPolicy  # noqa: TC001  as UUID
from kvmrt_plan.desired.thread_scheduler import ThreadScheduler  # noqa: TC001  as UUID
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.desired.allowance import Allowance
    from kvmrt_plan.diagnostics import Source


#: A probe's time unless it says otherwise.
PROBE_SECONDS = 5


class Pinning(StrEnum):
    """Who places a VM's threads."""

    AUTO = "auto"
    LIBVIRT = "libvirt"


class ShieldBackend(StrEnum):
    """How tasks are kept off the CPUs of RT VMs."""

    AUTO = "auto"
    REDHAWK = "redhawk"
    PARTITION = "partition"
    ALLOWED_CPUS = "allowed-cpus"
    CPUSET_V1 = "cpuset-v1"
    STATIC = "static"
    NONE = "none"


class PageSize(StrEnum):
    """Huge page sizes a guest's memory can be backed with."""

    SIZE_2M = "2M"
    SIZE_1G = "1G"


@dataclass(frozen=True, slots=True)
class GuestTopology:
    """The CPU topology that the guest sees; every number is positive."""

    sockets: int = described("Number of sockets.", 1, ge=1)
    cores: int = described("Cores per socket.", 4, ge=1)
    threads: int = described("Threads per core.", 1, ge=1)

    def __str__(self) -> str:
        return f"{self.sockets},{self.cores},{self.threads}"

    @property
    def product(self) -> int:
        """The number of vCPUs that this topology has."""
        return self.sockets * self.cores * self.threads


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualMachine(GuestMachine):
    """One VM: the twelve attributes of KVM-RT with its defaults, and further ones that are unmanaged
    (left as they are in libvirt) when they are not set.
    """

    uuid: UUID = described(
        "The VM's libvirt UUID; it identifies the VM.", "fde74e84-0e1b-404e-90e7-72101e79c48a"
    )
    name: str = described(
        "libvirt domain name, unique; changing it renames the domain.", "rt-guest", min_length=1
    )
    title: str = described("libvirt title.", "Real-time guest", default="")
    description: str = described("libvirt description.", default="")
    nr_vcpus: int = described("Number of vCPUs.", 4, default=1, ge=1, le=4096)
    cpu_topology: GuestTopology | None = described(
        "What the guest sees, as sockets,cores,threads; auto: one socket, nr_vcpus cores, one thread.",
        "auto", "1,4,1", default=None,
    )  # fmt: skip
    cpuset: CpuSet = described(
        "Host CPUs to which all threads of the VM are biased: the first takes all threads that are "
        "no vCPU, the others take the vCPUs round robin; empty: no bias.",
        "1-5", "", default=EMPTY,
    )  # fmt: skip
    rt: bool = described(
        "Configure for real time; needs cpuset and rt_memory, numatune is recommended.",
        default=False,
    )
    rt_memory: bool | None = described(
        "Lock all pages of the VM in memory; auto: the same as rt.", "auto", default=None
    )
    numatune: CpuSet | None = described(
        "Host NUMA nodes for the VM's memory; auto: all nodes of cpuset; empty: no restriction.",
        "auto", "0-1", default=None,
    )  # fmt: skip
    hide_kvm: bool = described("Hide KVM from the guest.", default=False)
    autostart: bool = described("Start the VM when kvmrt boots the host's VMs.", default=True)
    comments: str = described("Your own notes; may have several lines.", default="")
    vcpu_scheduler: ThreadScheduler | None = described(
        "Scheduling of the vCPU threads; unset: unmanaged.", default=None
    )
    emulator_scheduler: ThreadScheduler | None = described(
        "Scheduling of the emulator thread, QEMU's first; its workers are not reached; unset: "
        "unmanaged.",
        default=None,
    )
    iothread_scheduler: ThreadScheduler | None = described(
        "Scheduling of all iothreads; unset: unmanaged.", default=None
    )
    hugepages: PageSize | None = described(
        "Back the guest's memory with huge pages of this size; unset: unmanaged.",
        "1G",
        default=None,
    )
    iothreads: int | None = described(
        "Number of iothreads; unset: unmanaged.", 1, default=None, ge=0, le=256
    )
    guest_clock: GuestClock | None = described(
        "What the clock of the guest follows, by `kvmrt guest`: ptp_kvm is the host's clock through "
        "chrony; unset: unmanaged.",
        "ptp_kvm",
        default=None,
    )
    pinning: Pinning = described(
        "auto: pins follow cpuset; libvirt: the pins of the domain XML are left alone.",
        default=Pinning.AUTO,
    )
    #: Where each attribute stands in the file, by name; "" is the VM as a whole. Never part of the
    #: value: two files that say the same are equal.
    sources: Mapping[str, Source] = field(
        default_factory=dict, compare=False, repr=False, metadata={"exclude": True}
    )

    @property
    def is_memory_locked(self) -> bool:
        """`rt_memory` with auto resolved."""
        return self.rt if self.rt_memory is None else self.rt_memory

    @property
    def guest_topology(self) -> GuestTopology:
        """`cpu_topology` with auto resolved."""
        return self.cpu_topology or GuestTopology(1, self.nr_vcpus, 1)

    def source_of(self, attribute: str = "") -> Source | None:
        """Where the attribute stands, or the VM itself when it has its default."""
        return self.sources.get(attribute) or self.sources.get("")


@dataclass(frozen=True, slots=True, kw_only=True)
class IrqAssignment:
    """Interrupts that go to given CPUs whatever else is planned (KVM-RT: IRQ_ASSIGN)."""

    irq: int | str = described(
        "An interrupt's number, its name in /proc/interrupts, a network interface (all its interrupts), "
        "or a driver's name.",
        "enp4s0f0", 55,
    )  # fmt: skip
    cpus: CpuSet = described("The host CPUs that handle them.", "0-3")
    source: Source | None = field(
        default=None, compare=False, repr=False, metadata={"exclude": True}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Something that works and must go on working: exactly one of `command`, `tcp` and `ping` is set."""

    name: str = described("What messages call it; empty: what it does.", "storage", default="")
    command: tuple[str, ...] = described(
        "A program and its arguments; it passes with exit status 0. No shell is used.",
        ["systemctl", "is-active", "chronyd"], default=(),
    )  # fmt: skip
    tcp: str = described(
        "An address that takes a connection, as host:port.", "192.0.2.7:22", default=""
    )
    ping: str = described("A host that answers an echo request.", "192.0.2.1", default="")
    timeout: int = described(
        "Seconds after which the probe has failed.", 5, default=PROBE_SECONDS, ge=1, le=3600
    )
    source: Source | None = field(
        default=None, compare=False, repr=False, metadata={"exclude": True}
    )

    @property
    def label(self) -> str:
        """Its name, or what it does."""
        what = f"tcp {self.tcp}" if self.tcp else f"ping {self.ping}" if self.ping else ""
        return self.name or what or " ".join(self.command)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPolicy(HostKnobs):
    """What holds for the host as a whole."""

    housekeeping: CpuSet | None = described(
        "CPUs for the host's own work; auto: all that no RT VM owns.", "auto", "0-3", default=None
    )
    shield: ShieldBackend = described(
        "How tasks are kept off the CPUs of RT VMs; auto: the strongest that this host has.",
        default=ShieldBackend.AUTO,
    )
    irqs: tuple[IrqAssignment, ...] = described(
        "Interrupts assigned to CPUs; all others go to the housekeeping CPUs.", default=()
    )
    irqbalance: IrqbalancePolicy = described(
        "managed: told to leave CPUs of RT VMs alone while they hold policies; else a finding tells.",
        "managed", default=IrqbalancePolicy.UNMANAGED,
    )  # fmt: skip
    probes: tuple[Probe, ...] = described(
        "What passes before an apply has to pass after it, or the apply is taken back.", default=()
    )
    quiet_kernel: bool = described(
        "While an RT VM holds its policies: no watchdog on its CPUs, timers migrate away, statistics "
        "every 10 s, no NUMA balancing, no page merging.",
        default=False,
    )
    rt_throttling: bool = described(
        "Leave the kernel's limit on real-time threads (95 % of a second) as it is; false: no limit "
        "while an RT VM holds its policies.",
        default=True,
    )
    governor: str | None = described(
        "Frequency governor of the CPUs that RT VMs use; unset: unmanaged.",
        "performance",
        default=None,
    )
    cpu_latency_us: int | None = described(
        "Longest wake-up latency, in microseconds, that idle CPUs of RT VMs may have; unset: unmanaged.",
        3, default=None, ge=1, le=2147483647,
    )  # fmt: skip
    kvm: KvmPolicy | None = described(
        "Parameters of KVM's modules; unset: unmanaged.", default=None
    )
    boot: BootPolicy | None = described(
        "Arguments of the kernel at the next boot; unset: unmanaged.", default=None
    )
    sources: Mapping[str, Source] = field(
        default_factory=dict, compare=False, repr=False, metadata={"exclude": True}
    )

    def source_of(self, attribute: str = "") -> Source | None:
        """Where the attribute stands, or the host part itself when it has its default."""
        return self.sources.get(attribute) or self.sources.get("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """A whole file: the host's policy, the VMs in the order of the file, accepted findings."""

    host: HostPolicy = described("Policy of the host.", default=HostPolicy())
    vms: tuple[VirtualMachine, ...] = described("The virtual machines.", default=())
    allow: tuple[Allowance, ...] = described(
        "Warnings and advice that `kvmrt check` accepts.", default=()
    )
    #: The file as it was named on the command line; "" for a value made in memory.
    file: str = field(default="", compare=False, metadata={"exclude": True})


#: The attributes of KVM-RT's file, in the order of its guide.
KVMRT_ATTRIBUTES = (
    "name", "title", "description", "nr_vcpus", "cpu_topology", "cpuset", "rt", "rt_memory",
    "numatune", "hide_kvm", "autostart", "comments",
)  # fmt: skip

#: The attributes that only YAML has; unset means unmanaged.
FURTHER_ATTRIBUTES = tuple(
    one.name
    for one in fields(VirtualMachine)
    if one.name not in {*KVMRT_ATTRIBUTES, "uuid", "sources"}
)
