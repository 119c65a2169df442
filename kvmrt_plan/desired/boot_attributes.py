# SPDX-License-Identifier: Apache-2.0
"""The attributes of the boot part: texts to values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from kvmrt_plan.desired.attribute import (
    AUTO,
    BadValue,
    integer_parser,
    parse_some_cpus,
    word_parser,
)
from kvmrt_plan.desired.boot_model import BootCpus, Iommu
from kvmrt_plan.values.boot_tokens import is_token, key_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmrt_plan.values.cpuset import CpuSet

PCI_PATTERN = r"^[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$"
_PCI = re.compile(PCI_PATTERN[1:-1])

#: Arguments that say what is booted, or that an attribute of its own sets.
_OTHERS = {
    "root": "the boot loader", "rootflags": "the boot loader", "rootfstype": "the boot loader",
    "init": "the boot loader", "rdinit": "the boot loader", "initrd": "the boot loader",
    "BOOT_IMAGE": "the boot loader", "nohz_full": "nohz_full", "rcu_nocbs": "rcu_nocbs",
    "irqaffinity": "irqaffinity", "msi_affinity_mask": "irqaffinity",
    "rcutree.kthread_prio": "kthread_prio", "workqueue.pri": "workqueue_pri",
    "vfio_pci.addr": "vfio_pci",
}  # fmt: skip


def parse_boot_cpus(text: str) -> CpuSet | BootCpus:
    """A cpulist, or auto."""
    if text.strip().lower() == AUTO:
        return BootCpus.AUTO
    try:
        return parse_some_cpus(text)
    except BadValue as error:
        raise BadValue(error.expected, f"{error.remedy}, or auto", error.code) from None


def parse_argument(text: str) -> str:
    """One boot argument that kvmrt may own."""
    if not is_token(text):
        raise BadValue(
            "one argument such as nosmt or hugepagesz=1G is expected, of letters, digits and _.,:/@+%-",
            "write each argument as an entry of its own, without blanks and quotes",
        )
    owner = _OTHERS.get(key_of(text))
    if owner is not None:
        raise BadValue(
            f"{key_of(text)} belongs to {owner}",
            "remove it" if " " in owner else f"write `{owner}:` in place of it",
        )
    return text


def parse_pci(text: str) -> str:
    """A PCI device as BUS:SLOT.FUNCTION."""
    if not _PCI.fullmatch(text):
        raise BadValue(
            "a PCI device as BUS:SLOT.FUNCTION is expected", "write it as lspci prints it: 3b:00.0"
        )
    return text


def repeated(arguments: tuple[str, ...]) -> str | None:
    """The first key that stands there twice."""
    keys = [key_of(one) for one in arguments]
    return next((key for key in keys if keys.count(key) > 1), None)


BOOT_ATTRIBUTES: dict[str, Callable[[str], Any]] = {
    "nohz_full": parse_boot_cpus,
    "rcu_nocbs": parse_boot_cpus,
    "irqaffinity": parse_boot_cpus,
    "managed_irqs": parse_boot_cpus,
    "kthread_prio": integer_parser(1, 99),
    "workqueue_pri": integer_parser(1, 99),
    "iommu": word_parser(Iommu),
}
#: Attributes that are lists of texts.
BOOT_LISTS: dict[str, Callable[[str], str]] = {
    "vfio_pci": parse_pci,
    "arguments": parse_argument,
}
