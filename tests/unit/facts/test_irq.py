# SPDX-License-Identifier: Apache-2.0
"""Interrupts from /proc and sysfs texts."""

from __future__ import annotations

import pytest

from kvmrt_plan.errors import FactError
from kvmrt_plan.facts.interrupt_counts import drop_counts
from kvmrt_plan.facts.interrupts import InterruptRow, parse_interrupts
from kvmrt_plan.facts.irq import Irq, parse_default_affinity, parse_irqs
from kvmrt_plan.facts.snapshot import Snapshot
from kvmrt_plan.values.cpuset import CpuSet

TABLE = """\
            CPU0       CPU1
   0:         45          0   IO-APIC   2-edge      timer
  11:          0        153   IO-APIC  11-fasteoi   virtio3, uhci_hcd:usb1
  24:          0          0  PCI-MSIX-0000:3b:00.0   1-edge      eth0-rx-1
  25:          0          0   PCI-MSI 81920-edge
  26:          7          0     GICv3  27 Level     arch_timer
  27:          0          0  IO-APIC-edge      floppy
NMI:          0          0   Non-maskable interrupts
ERR:          0
"""


def _irqs(files: dict[str, str], links: dict[str, str] | None = None) -> dict[int, Irq]:
    return parse_irqs(Snapshot(name="host", captured="", files=files, links=links or {}))


def test_rows_name_chip_and_actions() -> None:
    assert parse_interrupts(TABLE) == {
        0: InterruptRow(chip="IO-APIC", actions=("timer",)),
        11: InterruptRow(chip="IO-APIC", actions=("virtio3", "uhci_hcd:usb1")),
        24: InterruptRow(chip="PCI-MSIX-0000:3b:00.0", actions=("eth0-rx-1",)),
        25: InterruptRow(chip="PCI-MSI", actions=()),
        26: InterruptRow(chip="GICv3", actions=("arch_timer",)),
        27: InterruptRow(chip="IO-APIC-edge", actions=("floppy",)),
    }


def test_table_without_counts_says_the_same() -> None:
    reduced = drop_counts(TABLE)
    assert reduced.splitlines()[:2] == ["", "   0: IO-APIC   2-edge      timer"]
    assert parse_interrupts(reduced) == parse_interrupts(TABLE)
    assert drop_counts(reduced) == reduced


def test_msi_of_a_network_card() -> None:
    card = "/sys/bus/pci/devices/0000:3b:00.0"
    irqs = _irqs(
        {
            "/proc/irq/45/smp_affinity_list": "0-3\n",
            "/proc/irq/45/effective_affinity": "00000000,00000002\n",
            "/sys/kernel/irq/45/actions": "eth0-rx-1\n",
            "/sys/kernel/irq/45/chip_name": "PCI-MSI\n",
            f"{card}/msi_irqs/45": "msix\n",
        },
        {
            f"{card}/driver": "../../../bus/pci/drivers/ixgbe",
            f"{card}/net/eth0": "",
            f"{card}/virtio3/net/eth1": "",
        },
    )
    assert irqs == {
        45: Irq(
            number=45,
            actions=("eth0-rx-1",),
            chip="PCI-MSI",
            device="0000:3b:00.0",
            driver="ixgbe",
            interfaces=("eth0", "eth1"),
            affinity=CpuSet(range(4)),
            effective=CpuSet((1,)),
        )
    }


def test_chip_names_the_device_where_sysfs_does_not() -> None:
    assert _irqs({"/proc/interrupts": TABLE})[24].device == "0000:3b:00.0"


def test_folders_name_the_actions_where_nothing_else_does() -> None:
    irqs = _irqs({"/proc/irq/4/smp_affinity": "3\n"}, {"/proc/irq/4/ttyS0": ""})
    assert irqs == {4: Irq(number=4, actions=("ttyS0",), affinity=CpuSet((0, 1)))}


@pytest.mark.parametrize(
    ("name", "is_managed"),
    [
        ("nvme0q0", None),
        ("nvme0q12", True),
        ("virtio3-req.0", True),
        ("virtio3-config", None),
        ("virtio0-input.0", None),
        ("virtio1-request", True),
        ("megasas0-msix0", None),
        ("megasas0-msix4", True),
        ("mpi3mr0-msix1", True),
        ("mpt3sas0-msix0", True),
        ("eth0-rx-1", None),
    ],
)
def test_name_of_the_queue_tells_that_it_is_managed(name: str, is_managed: object) -> None:
    irqs = _irqs({"/sys/kernel/irq/30/actions": f"{name}\n"})
    assert irqs[30].is_managed is is_managed


@pytest.mark.parametrize(
    ("flags", "is_managed", "is_movable"),
    [
        ("dstate:   0x13400200\n            IRQD_AFFINITY_MANAGED\n", True, True),
        ("dstate:   0x13400200\n            IRQD_ACTIVATED\n", False, True),
        ("istate:   0x0\ndstate:   0x0\n            IRQD_PER_CPU\n", False, False),
    ],
)
def test_debug_file_outweighs_the_name(flags: str, *, is_managed: bool, is_movable: bool) -> None:
    irq = _irqs(
        {"/sys/kernel/irq/30/actions": "nvme0q1\n", "/sys/kernel/debug/irq/irqs/30": flags}
    )[30]
    assert (irq.is_managed, irq.is_movable) == (is_managed, is_movable)


def test_timer_cascade_and_per_cpu_interrupts_cannot_be_moved() -> None:
    irqs = _irqs({"/proc/interrupts": TABLE, "/proc/irq/2/smp_affinity_list": "0-1\n"})
    assert [number for number, irq in irqs.items() if not irq.is_movable] == [0, 2, 26]


def test_interrupt_2_of_a_device_can_be_moved() -> None:
    irqs = _irqs({"/proc/interrupts": "  CPU0\n 2:  0  GICv3  34 Level  uart\n"})
    assert irqs[2].is_movable


def test_host_without_interrupts() -> None:
    table = "           CPU0\nEXT:      31903\nI/O:       6989\n"
    assert _irqs({"/proc/interrupts": table}) == {}


def test_default_affinity_is_a_mask() -> None:
    files = {"/proc/irq/default_smp_affinity": "f\n"}
    snapshot = Snapshot(name="host", captured="", files=files)
    assert parse_default_affinity(snapshot) == CpuSet(range(4))
    assert parse_default_affinity(Snapshot(name="host", captured="", files={})) is None


def test_affinity_that_is_no_list_is_named() -> None:
    with pytest.raises(FactError, match="/proc/irq/9/smp_affinity_list"):
        _irqs({"/proc/irq/9/smp_affinity_list": "0-\n"})
