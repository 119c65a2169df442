# SPDX-License-Identifier: Apache-2.0
"""Parameters of KVM's modules, and passing devices through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.hostchecks.check import Check, failed, passed, skipped, warned

if TYPE_CHECKING:
    from kvmrt_plan.hostchecks.check import HostView, Outcome

#: Parameter, the words that are wanted, and whether it matters (else it is only said).
_PARAMETERS: tuple[tuple[str, str, tuple[str, ...], bool], ...] = (
    ("kvm", "kvmclock_periodic_sync", ("N", "0"), True),
    ("kvm", "nx_huge_pages", ("N", "0", "never"), True),
    ("kvm_intel", "ple_gap", ("0",), True),
    ("kvm_amd", "pause_filter_count", ("0",), True),
    ("kvm", "halt_poll_ns", (), False),
)


def parameters(view: HostView) -> Outcome:
    """Those that are there."""
    known, unwanted = [], []
    for module, name, wanted, matters in _PARAMETERS:
        word = view.word(f"/sys/module/{module}/parameters/{name}")
        if word is None:
            continue
        known.append(f"{name}={word}")
        if matters and word not in wanted:
            unwanted.append(f"{module}.{name}={wanted[0]}")
    if not known:
        return skipped("KVM's modules are not loaded, or not captured")
    if unwanted:
        return warned(
            ", ".join(known),
            ", ".join(unwanted),
            f"boot with {' '.join(unwanted)}, or set them in /etc/modprobe.d",
        )
    return passed(", ".join(known))


def passthrough(view: HostView) -> Outcome:
    """DMA remapping, where a domain gets a PCI device."""
    asking = [
        name
        for name, root in view.definitions()
        if any(device.get("type") == "pci" for device in root.iterfind("devices/hostdev"))
    ]
    units = view.snapshot.entries("/sys/class/iommu")
    groups = view.snapshot.entries("/sys/kernel/iommu_groups")
    if units and groups:
        return passed(f"{len(units)} remapping units, {len(groups)} groups")
    if not asking:
        return skipped("off, and no domain has a PCI device of the host")
    return failed(f"off, but {', '.join(asking)} have PCI devices", "remapping on")


CHECKS = (
    Check(
        number=37, title="Parameters of KVM", run=parameters,
        why="kvmclock's periodic sync kicks every vCPU, recovery of huge pages stops a guest for 100 us, "
        "and pause exits make no sense where each vCPU has its CPU.",
        remedy="set them in /etc/modprobe.d and load the modules again",
    ),
    Check(
        number=38, title="DMA remapping", run=passthrough,
        why="A device can be passed through only where its accesses are remapped.",
        remedy="switch VT-d or AMD-Vi on in the firmware; on Intel boot with intel_iommu=on iommu=pt",
    ),
)  # fmt: skip
