# SPDX-License-Identifier: Apache-2.0
"""Rules about modules that are loaded before the root file system and its settings are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.facts.initramfs import ARCH, DEBIAN, DRACUT
from kvmrt_plan.facts.kvm import OWN_FILE
from kvmrt_plan.rules.wording import listed
from kvmrt_plan.values.boot_tokens import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject

_KVM = ("kvm", "kvm_intel", "kvm_amd")
_REBUILD = {
    DEBIAN: "update-initramfs -u -k all",
    DRACUT: "dracut --force --regenerate-all",
    ARCH: "mkinitcpio -P",
}
_LOAD = {
    DEBIAN: "echo vfio-pci >> /etc/initramfs-tools/modules",
    DRACUT: """echo 'force_drivers+=" vfio-pci "' > /etc/dracut.conf.d/vfio.conf""",
    ARCH: "add vfio_pci to MODULES in /etc/mkinitcpio.conf",
}


def options_are_in_the_initramfs(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """KVM that the initramfs loads has the options of the file that was copied into it."""
    policy, kvm = subject.configuration.host.kvm, facts.kvm
    early = [name for name in _KVM if name in facts.initramfs.modules]
    if policy is None or not early:
        return
    options = [one.partition("=") for one in kvm.own]
    if options and all(kvm.running.get(key, word) == word for key, _, word in options):
        return
    yield Finding(
        code="KR247",
        severity=Severity.WARNING,
        summary=f"the initramfs loads {listed(early)}, and has the options of {OWN_FILE} only when it is "
        "made anew",
        detail=f"{facts.initramfs.modules[early[0]]} names the module",
        remedy=f"after the apply: {_REBUILD[facts.initramfs.tool]}; then boot",
        source=policy.source_of(),
    )


def devices_are_reserved_in_time(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """vfio-pci gets a device only where no other driver has it."""
    policy, boot = subject.configuration.host.boot, facts.boot
    present = boot.running if boot.configured is None else boot.configured
    tokens = (*present, *(policy.arguments if policy is not None else ()))
    ids = next((one for one in tokens if key_of(one) == "vfio_pci.ids"), None)
    tool = facts.initramfs.tool
    if ids is None or not tool or "vfio_pci" in facts.initramfs.modules:
        return
    yield Finding(
        code="KR248",
        severity=Severity.ADVICE,
        summary=f"{ids} reserves devices only if vfio-pci is loaded before their drivers, and the "
        "initramfs is not told to",
        detail="a kernel with vfio-pci built in needs nothing; nor does a device with managed='yes', which "
        "libvirt gives to vfio-pci when its guest starts",
        remedy=f"{_LOAD[tool]}; {_REBUILD[tool]}; then boot",
        source=policy.source_of("arguments") if policy is not None else None,
    )


HOST_RULES = (options_are_in_the_initramfs, devices_are_reserved_in_time)
