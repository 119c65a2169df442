# SPDX-License-Identifier: Apache-2.0
"""Interrupts of the host.

Sources: Documentation/core-api/irq/irq-affinity.rst, Documentation/ABI/testing/sysfs-kernel-irq and
.../sysfs-bus-pci. An interrupt is known by its folder in /proc/irq or /sys/kernel/irq or by its row
in /proc/interrupts; each may be missing on some kernel.
"""

from __future__ import annotations

from kvmrt_plan.facts.interrupts import InterruptRow, parse_interrupts, split_actions
from kvmrt_plan.facts.pci import parse_pci_interrupts
from kvmrt_plan.facts.reading import read_cpumask, read_either, read_word
from kvmrt_plan.values.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kvmrt_plan.facts.pci import PciDevice
    from kvmrt_plan.facts.texts import Texts
    from kvmrt_plan.values.cpuset import CpuSet

IRQ_FOLDER = "/proc/irq"
_KERNEL_FOLDER = "/sys/kernel/irq"
#: Only with CONFIG_GENERIC_IRQ_DEBUGFS and for root.
_DEBUG_FOLDER = "/sys/kernel/debug/irq/irqs"
_NO_ROW = InterruptRow(chip="", actions=())

#: Per-queue names of drivers that let the kernel spread their queues (PCI_IRQ_AFFINITY): nvme and
#: virtio_blk, virtio_scsi, megaraid_sas, mpi3mr, mpt3sas. `#` stands for a number.
_MANAGED = frozenset(
    {
        "nvme#q#",
        "virtio#-req.#",
        "virtio#-req_#",
        "virtio#-request",
        "virtio#-request.#",
        "virtio#-request_#",
        "megasas#-msix#",
        "mpi#mr#-msix#",
        "mpt#sas#-msix#",
    }
)
#: Of these the first vector is for commands and is not managed: nvme0q0, mpi3mr0-msix0.
_WITH_COMMANDS = frozenset({"nvme#q#", "megasas#-msix#", "mpi#mr#-msix#"})
_HEXADECIMAL = "0123456789abcdef"

#: Actions of per-CPU interrupts of arm64 and RISC-V, which have no affinity to change.
_PER_CPU = frozenset(
    {"arch_timer", "kvm guest ptimer", "kvm guest vtimer", "riscv-timer", "twd", "vgic"}
)
#: The same in the debug file (include/linux/irq.h): flags that make irq_can_set_affinity() fail.
_IMMOVABLE_FLAGS = ("IRQD_PER_CPU", "IRQD_NO_BALANCING", "_IRQ_PER_CPU", "_IRQ_NO_BALANCING")


class Irq(Record):
    """One numbered interrupt."""

    number: int
    #: Names of its actions (`eth0-rx-1`), as registered by the drivers; empty when nobody uses it.
    actions: tuple[str, ...]
    #: Desired affinity (smp_affinity_list); None when it could not be read.
    affinity: CpuSet | None
    #: Interrupt controller (`PCI-MSI`), "" when unknown.
    chip: str = ""
    #: PCI address of its device (`0000:3b:00.0`), None when it is no MSI of a PCI device.
    device: str | None = None
    driver: str | None = None
    #: Network interfaces of its device.
    interfaces: tuple[str, ...] = ()
    #: Where it goes now (effective_affinity_list); None when the kernel does not say.
    effective: CpuSet | None = None
    #: The kernel spreads it and refuses a new affinity. None: not known, presumed movable.
    is_managed: bool | None = None
    #: False for the timer and the cascade (IRQ 0 and 2 of x86), which refuse a new affinity too.
    is_movable: bool = True

    def matches(self, target: int | str) -> bool:
        """Whether an assignment to this number, network interface, driver or action (`eth0-rx-1`)
        means this interrupt.
        """
        if isinstance(target, int):
            return target == self.number
        return target in (self.driver, *self.interfaces, *self.actions)


def parse_irqs(texts: Texts) -> dict[int, Irq]:
    """All numbered interrupts by ascending number; none on a host without /proc/irq (s390).

    Raises:
        FactError: an affinity is no list of CPUs.
    """
    rows = parse_interrupts(texts.files.get("/proc/interrupts", ""))
    devices = parse_pci_interrupts(texts)
    folders = (
        number
        for folder in (IRQ_FOLDER, _KERNEL_FOLDER)
        for number, _ in texts.numbered(folder, "")
    )
    return {
        number: _parse_irq(texts, number, rows.get(number, _NO_ROW), devices.get(number))
        for number in sorted({*rows, *folders})
    }


def parse_default_affinity(texts: Texts) -> CpuSet | None:
    """/proc/irq/default_smp_affinity, which is a mask only; None when the host has none.

    Raises:
        FactError: the text is no mask.
    """
    return read_cpumask(texts, f"{IRQ_FOLDER}/default_smp_affinity")


def _parse_irq(texts: Texts, number: int, row: InterruptRow, device: PciDevice | None) -> Irq:
    folder = f"{IRQ_FOLDER}/{number}"
    actions = _actions(texts, number, row)
    chip = read_word(texts, f"{_KERNEL_FOLDER}/{number}/chip_name") or row.chip
    flags = texts.files.get(f"{_DEBUG_FOLDER}/{number}")
    return Irq(
        number=number,
        actions=actions,
        chip=chip,
        device=device.address if device else _device_of_chip(chip),
        driver=device.driver if device else None,
        interfaces=device.interfaces if device else (),
        affinity=read_either(texts, f"{folder}/smp_affinity_list", f"{folder}/smp_affinity"),
        effective=read_either(
            texts, f"{folder}/effective_affinity_list", f"{folder}/effective_affinity"
        ),
        is_managed=_is_managed(actions, flags),
        is_movable=_is_movable(number, actions, chip=chip, flags=flags or ""),
    )


def _actions(texts: Texts, number: int, row: InterruptRow) -> tuple[str, ...]:
    named = read_word(texts, f"{_KERNEL_FOLDER}/{number}/actions")
    if named:
        return split_actions(named)
    # /proc/irq/N has a folder per action; those of shared names and with a slash are missing.
    return row.actions or tuple(
        name
        for name in texts.entries(f"{IRQ_FOLDER}/{number}")
        if f"{IRQ_FOLDER}/{number}/{name}" in texts.links
    )


def _device_of_chip(chip: str) -> str | None:
    """The address in `PCI-MSIX-0000:3b:00.0`: since 6.2 each PCI device has a chip of its own."""
    _, dash, address = chip.rpartition("-")
    device, dot, function = address.rpartition(".")
    parts = device.split(":")
    is_address = (
        bool(dash and dot)
        and len(parts) == 3
        and 4 <= len(parts[0]) <= 8
        and len(parts[1]) == len(parts[2]) == 2
        and not "".join(parts).strip(_HEXADECIMAL)
        and len(function) == 1
        and function in "01234567"
    )
    return address if is_address else None


def _is_managed(actions: tuple[str, ...], flags: str | None) -> bool | None:
    if flags is not None:
        return "IRQD_AFFINITY_MANAGED" in flags
    return True if any(map(_is_managed_name, actions)) else None


def _is_managed_name(name: str) -> bool:
    shape, number = _shape(name)
    return shape in _MANAGED and not (shape in _WITH_COMMANDS and number.startswith("0"))


def _shape(name: str) -> tuple[str, str]:
    """`nvme#q#` and `12` for `nvme0q12`: the name without its numbers, and the last of them."""
    shape, number = "", ""
    for character in name:
        if character not in "0123456789":
            shape += character
        elif shape.endswith("#"):
            number += character
        else:
            shape, number = f"{shape}#", character
    return shape, number


def _is_movable(number: int, actions: tuple[str, ...], *, chip: str, flags: str) -> bool:
    if any(flag in flags for flag in _IMMOVABLE_FLAGS) or not _PER_CPU.isdisjoint(actions):
        return False
    # The PC's timer and the second PIC's cascade refuse a new affinity with EIO, as managed ones
    # do. The cascade has no action where an IO-APIC does the work.
    is_pc = not chip or "PIC" in chip
    is_timer = number == 0 and actions == ("timer",)
    is_cascade = number == 2 and actions in ((), ("cascade",))
    return not (is_pc and (is_timer or is_cascade))
