# SPDX-License-Identifier: Apache-2.0
"""QEMU processes of a simulated host: they come with their threads when a guest starts, and go with it.

As measured with libvirt 9.0 and QEMU 7.2: vCPU threads are named `CPU n/KVM` (`CPU n/TCG` under
emulation), iothreads `IO iothreadN`; each runs on the online part of its pin, threads that no pin names
on that of the emulator; a pin without an online CPU ends the start with the kernel's EINVAL.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kvmrt_plan.domainxml.document import format_domain, parse_domain, read_settings
from kvmrt_plan.domainxml.live import read_pins
from kvmrt_plan.domainxml.memory import memory_kib
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.domains import threads_of
from kvmrt_plan.facts.threads import qemu_folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lxml.etree import _Element

    from kvmrt_plan.facts.snapshot import RawDomain
    from kvmrt_plan.hosts.simulated.texts import Texts
    from kvmrt_plan.values.cpuset import CpuSet

_FIRST_PID = 4000
#: Threads of one process have numbers in a row; the next process begins here at the earliest.
_SPACE = 1000
#: linux/sched.h.
_POLICIES = {"fifo": 1, "rr": 2, "batch": 3, "idle": 5}


def start_process(
    texts: Texts, domain: RawDomain, allowed: CpuSet, *, in_root: CpuSet | None = None
) -> None:
    """As virDomainCreate; `in_root` is what threads of the root's cgroup may use.

    Raises:
        WriteRefusedError: it runs already, or a pin names no CPU that its cgroup may use.
    """
    if domain.live_xml:
        raise WriteRefusedError(
            domain.uuid, "Requested operation is not valid: domain is already running"
        )
    root = parse_domain(domain.xml, domain=domain.name)
    pins = {key: cpus & allowed for key, cpus in read_pins(root).items()}
    pid = _free_pid(texts)
    if not all(pins.values()):
        raise WriteRefusedError(
            domain.uuid, f"cannot set CPU affinity on process {pid}: Invalid argument"
        )
    settings = read_settings(root)
    files: dict[str, str | None] = dict(_process(pid, domain, root, settings))
    for offset, name in enumerate(_threads(root, settings)):
        key = _pin_key(name)
        cpus = pins.get(key, allowed)
        # emulatorsched is for the first thread alone (measured with libvirt 9.0).
        is_unscheduled = offset > 0 and key == "emulatorpin"
        scheduler = "" if is_unscheduled else settings.get(key.replace("pin", "sched"), "")
        folder = f"/proc/{pid}/task/{pid + offset}"
        files.update(_thread(folder, name, cpus, scheduler=scheduler))
    if _has_timer(root):
        files.update(_timer(pid, allowed if in_root is None else in_root))
    root.set("id", str(pid))
    texts.change(
        files=files, domains=(replace(domain, state="running", live_xml=format_domain(root)),)
    )


def end_process(texts: Texts, domain: RawDomain) -> None:
    """The guest is off: its process and its live definition are gone."""
    snapshot = texts.snapshot()
    folder = qemu_folders(snapshot).get(domain.uuid)
    folders = [f"/proc/{one.tid}/" for one in threads_of(snapshot, domain.uuid) if one.is_kernel]
    folders += [f"{folder}/"] if folder else []
    gone = [path for path in texts.files if path.startswith(tuple(folders))]
    texts.change(
        files=dict.fromkeys(gone), domains=(replace(domain, state="shut off", live_xml=""),)
    )


def has_acpi(domain: RawDomain) -> bool:
    """Whether the guest has a power button at all."""
    root = parse_domain(domain.live_xml, domain=domain.name)
    return root.find("features/acpi") is not None


def _free_pid(texts: Texts) -> int:
    taken = [pid for pid, _ in texts.snapshot().numbered("/proc", "")]
    return max([_FIRST_PID, *taken]) // _SPACE * _SPACE + _SPACE


def _process(
    pid: int, domain: RawDomain, root: _Element, settings: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    arguments = (
        "/usr/bin/qemu-system-x86_64",
        "-name",
        f"guest={domain.name},debug-threads=on",
        "-uuid",
        domain.uuid,
        "",
    )
    is_locked = "memory-locked" in settings
    limit = "unlimited" if is_locked else "8388608"
    yield f"/proc/{pid}/comm", "qemu-system-x86\n"
    yield f"/proc/{pid}/cgroup", f"0::{_home(pid, domain, settings)}\n"
    yield f"/proc/{pid}/cmdline", "\0".join(arguments)
    yield f"/proc/{pid}/limits", f"{'Max locked memory':<26}{limit:<21}{limit:<21}bytes\n"
    locked_kib = memory_kib(root) if is_locked else 0
    yield f"/proc/{pid}/status", f"Name:\tqemu-system-x86\nVmLck:\t{locked_kib or 0:>8} kB\n"


def _threads(root: _Element, settings: Mapping[str, str]) -> Iterator[str]:
    yield "qemu-system-x86"
    yield "call_rcu"
    yield "IO mon_iothread"
    for number in range(1, int(settings.get("iothreads", "0")) + 1):
        yield f"IO iothread{number}"
    accelerator = "TCG" if root.get("type") == "qemu" else "KVM"
    for number in range(int(settings.get("vcpus", "1"))):
        yield f"CPU {number}/{accelerator}"


def _pin_key(name: str) -> str:
    if name.startswith("CPU "):
        return f"vcpupin {name[4:].partition('/')[0]}"
    if name.startswith("IO iothread"):
        return f"iothreadpin {name.removeprefix('IO iothread')}"
    return "emulatorpin"


def _thread(folder: str, name: str, cpus: CpuSet, *, scheduler: str) -> Iterator[tuple[str, str]]:
    tid = folder.rpartition("/")[2]
    policy, _, priority = scheduler.partition(" ")
    # proc_pid_stat(5): state, 34 fields up to exit_signal, then processor, rt_priority, policy.
    fields = f"S 1{' 0' * 33} 17 {cpus.first} {priority or 0} {_POLICIES.get(policy, 0)}"
    yield f"{folder}/comm", f"{name}\n"
    yield f"{folder}/stat", f"{tid} ({name}) {fields} 0 0 0\n"
    yield (
        f"{folder}/status",
        f"Name:\t{name}\nCpus_allowed:\t{cpus.format_mask()}\nCpus_allowed_list:\t{cpus}\n",
    )


def _home(pid: int, domain: RawDomain, settings: Mapping[str, str]) -> str:
    """The cgroup that machined and libvirt make for QEMU; dashes in a unit's name are escaped."""
    partition = settings.get("partition", "/machine")
    scope = rf"machine-qemu\x2d{pid}\x2d{domain.name}".replace("/", "-")
    return f"{partition}.slice/{scope}.scope/libvirt/emulator"


def _has_timer(root: _Element) -> bool:
    """KVM has an interval timer unless QEMU emulates it with the I/O APIC, or everything."""
    ioapic = root.find("features/ioapic")
    is_split = ioapic is not None and ioapic.get("driver") == "qemu"
    return root.get("type") == "kvm" and not is_split


def _timer(pid: int, cpus: CpuSet) -> Iterator[tuple[str, str]]:
    """KVM's thread kvm-pit/PID, a process of its own in the root's cgroup."""
    folder = f"/proc/{pid + _SPACE // 2}"
    files = dict(_thread(folder, f"kvm-pit/{pid}", cpus, scheduler=""))
    del files[f"{folder}/comm"]
    # PF_KTHREAD.
    files[f"{folder}/stat"] = files[f"{folder}/stat"].replace(
        "S 1 0 0 0 0 0", "S 2 0 0 0 0 2097152", 1
    )
    yield from files.items()
    yield f"{folder}/cgroup", "0::/\n"
