# SPDX-License-Identifier: Apache-2.0
"""Hosts of any size with a configuration that fits them, for benchmarks and for tests of scale.

The parts come from examples/raw_host.py. A host is *fresh*, so that everything in the configuration is a
change, or *converged*, so that nothing is.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

from raw_host import (
    Guest,
    Interrupt,
    Machine,
    confinement_files,
    cpu_files,
    interrupt_files,
    kernel_files,
    libvirt_daemon_files,
    node_files,
    raw_domain,
)

from kvmrt_plan.facts.document import dump_snapshot
from kvmrt_plan.facts.recorded import RECORDED_FORMAT, RECORDED_PATH
from kvmrt_plan.facts.slices import vm_slice
from kvmrt_plan.facts.snapshot import RawLibvirt, Snapshot
from kvmrt_plan.values.cpuset import CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_CORES_PER_SOCKET = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of everything; a VM in four is real time and owns two cores (`all_rt`: every one)."""

    cpus: int
    irqs: int
    vms: int
    all_rt: bool = False

    @property
    def doubled(self) -> Size:
        """Twice of everything."""
        return replace(self, cpus=2 * self.cpus, irqs=2 * self.irqs, vms=2 * self.vms)

    @property
    def machine(self) -> Machine:
        """The host, all CPUs online; the last socket may be larger than the host needs."""
        sockets = max(1, self.cpus // (2 * _CORES_PER_SOCKET))
        return Machine(sockets=sockets, cores_per_socket=self.cpus // 2 // sockets)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vm:
    """One VM of the configuration: its first CPU is the emulator's, the second its only vCPU's."""

    name: str
    uuid: str
    first: int
    rt: bool

    @property
    def cpuset(self) -> CpuSet:
        return CpuSet((self.first, self.first + 1))

    @property
    def slice(self) -> str:
        return vm_slice(UUID(self.uuid)).removesuffix(".slice")


def write_host(folder: Path, size: Size, *, is_converged: bool) -> tuple[Path, Path]:
    """A configuration and a snapshot, as files in the folder."""
    kind = "converged" if is_converged else "fresh"
    configuration = folder / f"{kind}-{size.cpus}.yaml"
    snapshot = folder / f"{kind}-{size.cpus}.json"
    configuration.write_text(yaml_text(size), encoding="ascii")
    snapshot.write_text(
        dump_snapshot(synthetic_host(size, is_converged=is_converged)), encoding="ascii"
    )
    return configuration, snapshot


def yaml_text(size: Size) -> str:
    """The configuration of all VMs."""
    lines = ["vms:"]
    for vm in _vms(size):
        lines += [f"  {vm.name}:", f"    uuid: {vm.uuid}", f"    cpuset: {vm.cpuset}"]
        lines += ["    rt: true"] if vm.rt else []
    return "\n".join([*lines, ""])


def synthetic_host(size: Size, *, is_converged: bool) -> Snapshot:
    """The host: as it comes out of the box, or as the configuration asks."""
    vms = tuple(_vms(size))
    machine = size.machine
    owned = union(vm.cpuset for vm in vms if vm.rt)
    siblings = CpuSet(cpu + machine.cores for cpu in owned)
    housekeeping = machine.cpus - owned - siblings
    if is_converged:
        machine = replace(machine, offline=siblings)
    allowed = housekeeping if is_converged else machine.cpus
    files, links = interrupt_files(_interrupts(size, allowed), default=allowed)
    files.update(
        kernel_files(release="6.1.0-28-rt-amd64", version="#1 SMP PREEMPT_RT", command_line="ro")
    )
    files.update(cpu_files(machine))
    files.update(node_files(machine))
    files.update(confinement_files(machine, allowed=allowed))
    if is_converged:
        files.update(_partitions(vms, machine))
    files.update(libvirt_daemon_files(812))
    files["/proc/1/comm"] = "systemd\n"
    files[RECORDED_PATH] = _recorded(machine)
    domains = tuple(raw_domain(_guest(vm, machine, is_converged=is_converged)) for vm in vms)
    return Snapshot(
        name="synthetic",
        captured="2026-11-22T10:12:00Z",
        files=files,
        links=links,
        libvirt=RawLibvirt(uri="qemu:///system", version=9_000_000, domains=domains),
    )


def _partitions(vms: Sequence[_Vm], machine: Machine) -> Iterator[tuple[str, str]]:
    """The isolated partition of each real-time VM."""
    for vm in vms:
        if vm.rt:
            folder = f"/sys/fs/cgroup/{vm.slice}.slice"
            siblings = CpuSet(cpu + machine.cores for cpu in vm.cpuset)
            yield f"{folder}/cpuset.cpus", f"{vm.cpuset | siblings}\n"
            yield f"{folder}/cpuset.cpus.effective", f"{vm.cpuset}\n"
            yield f"{folder}/cpuset.cpus.partition", "isolated\n"


def _vms(size: Size) -> Iterator[_Vm]:
    """Real-time VMs take pairs of cores from the top, the others share pairs from the bottom.

    Two cores at the bottom stay free of all of them.
    """
    top = size.machine.cores
    shared = 0
    for index in range(size.vms):
        rt = size.all_rt or index % 4 == 0
        if rt:
            top -= 2
            first = top
        else:
            first = 2 * (shared % 8)
            shared += 1
        yield _Vm(
            name=f"vm-{index:04}",
            uuid=f"6d4a1a4e-1d0c-4f0b-9a57-0000{index:08x}",
            first=first,
            rt=rt,
        )


def _guest(vm: _Vm, machine: Machine, *, is_converged: bool) -> Guest:
    fresh = Guest(
        name=vm.name,
        uuid=vm.uuid,
        mac="52:54:00:00:00:01",
        vcpus=1,
        memory_gib=1,
        has_topology=False,
    )
    if not is_converged:
        return fresh
    return replace(
        fresh,
        pins={"0": str(vm.first + 1), "emulator": str(vm.first)},
        nodes=str(vm.first // machine.cores_per_socket),
        is_locked=vm.rt,
        partition=f"/{vm.slice}" if vm.rt else "/machine",
        has_balloon=not vm.rt,
        has_topology=True,
    )


def _interrupts(size: Size, allowed: CpuSet) -> Iterator[Interrupt]:
    """Queues of network cards, 64 per card."""
    for index in range(size.irqs):
        card, queue = divmod(index, 64)
        yield Interrupt(
            number=24 + index,
            action=f"eth{card}-TxRx-{queue}",
            affinity=allowed,
            hardware=f"{index}-edge",
            device=f"0000:{card % 256:02x}:{card // 256:02x}.0",
            driver="ice",
            interface=f"eth{card}",
        )


def _recorded(machine: Machine) -> str:
    """What kvmrt wrote down while all CPUs were online (facts/recorded.py)."""
    siblings: Mapping[str, str] = {str(cpu): str(machine.siblings(cpu)) for cpu in machine.cpus}
    return json.dumps({"format": RECORDED_FORMAT, "siblings": siblings}) + "\n"
