# SPDX-License-Identifier: Apache-2.0
"""Rules about the arguments of the kernel, and what guests with devices of the host need of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.facts.kvm import PARAMETERS
from kvmrt_plan.facts.shield_file import SHIELD_FILE
from kvmrt_plan.placement.boot_arguments import wanted_by_attribute
from kvmrt_plan.values.boot_tokens import key_of, split_tokens, value_of
from kvmrt_plan.values.cpuset import CpuListError, CpuSet
from kvmrt_plan.values.text import escape_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.desired.boot_model import BootPolicy
    from kvmrt_plan.desired.kvm_model import KvmPolicy
    from kvmrt_plan.diagnostics import Source
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.kernel_args import BootArguments
    from kvmrt_plan.rules.subject import Subject

#: What only RedHawk's kernel knows, and what takes its place elsewhere.
_REDHAWK_ONLY = {
    "workqueue_pri": "remove it: other kernels have no such argument",
    "vfio_pci": "remove it: libvirt binds a device with managed='yes' to VFIO when its guest starts; "
    "`arguments: [vfio-pci.ids=VENDOR:DEVICE]` keeps all cards of a kind from the start",
}


def nobody_else_sets_the_same(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Of two equal keys the last one counts for most, and some are dropped: neither is what was asked."""
    policy = subject.configuration.host.boot
    if policy is None:
        return
    for attribute, token in wanted_by_attribute(policy, facts, subject.placement):
        for other, place in _others(facts.boot, token):
            shown = escape_text(other)
            yield Finding(
                code="KR215",
                severity=Severity.ERROR,
                summary=f"boot: {attribute} asks for {token}, but {place} has {shown}",
                detail="kvmrt changes no argument that it has not written",
                remedy=f"remove {shown} from {place} (a TuneD profile: tuned-adm off), or remove "
                f"{attribute} from the configuration",
                source=policy.source_of(attribute),
            )


def _others(boot: BootArguments, token: str) -> Iterator[tuple[str, str]]:
    found = [
        (other, place)
        for other, place in boot.foreign
        if key_of(other) == key_of(token) and other != token
    ]
    known = {other for other, _ in found}
    found += [
        (other, "the boot menu")
        for other in boot.configured or ()
        if key_of(other) == key_of(token) and other not in (token, *boot.own, *known)
    ]
    yield from dict.fromkeys(found)


def boot_loader_is_known(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Without one nothing can be written."""
    policy = subject.configuration.host.boot
    if policy is None or facts.boot.loader is not None:
        return
    yield Finding(
        code="KR216",
        severity=Severity.ERROR,
        summary="boot arguments are asked for, and no boot loader is known of this host",
        detail="known are GRUB with /etc/default/grub, entries in /boot/loader/entries, "
        "/etc/kernel/cmdline and rpm-ostree",
        remedy="take the snapshot as root; with another boot loader remove the boot part and set the "
        "arguments there",
        source=policy.source_of(),
    )


def devices_are_remapped(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A PCI device is passed through only where an IOMMU remaps its memory accesses."""
    if facts.iommus is None or facts.iommus:
        return
    for one in subject.placement.vms:
        domain = facts.domains.get(one.vm.uuid)
        if domain is None or not (domain.xml or domain.live_xml):
            continue
        devices = subject.definition(domain).iterfind("devices/hostdev")
        if not any(device.get("type") == "pci" for device in devices):
            continue
        argument = "iommu=pt" if facts.has_amd_kvm else "intel_iommu=on iommu=pt"
        yield Finding(
            code="KR217",
            severity=Severity.WARNING,
            summary=f"{one.vm.name} has a PCI device of the host, and the IOMMU is off",
            detail="libvirt refuses to start it",
            remedy=f"switch VT-d or AMD-Vi on in the firmware and boot with {argument} "
            "(`host: {boot: {iommu: pt}}`)",
            source=one.vm.source_of(),
            vm=one.vm.name,
        )


def menu_has_what_is_written(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """The settings are right and the menu was never made from them, or somebody made it anew."""
    boot = facts.boot
    policy = subject.configuration.host.boot
    if policy is None or boot.configured is None:
        return
    missing = [one for one in boot.own if one not in boot.configured]
    if missing:
        yield Finding(
            code="KR218",
            severity=Severity.WARNING,
            summary=f"the boot loader ({boot.loader}) does not have {' '.join(missing)}, which kvmrt "
            "has written",
            remedy="make its menu anew (update-grub, grub2-mkconfig, kernel-install); an entry for a new "
            "kernel may lack it: revert the run and apply again",
            source=policy.source_of(),
        )


def arguments_are_of_this_kernel(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Arguments that only RedHawk has are not written elsewhere."""
    policy = subject.configuration.host.boot
    if policy is None or facts.kernel.is_redhawk:
        return
    for attribute, remedy in _REDHAWK_ONLY.items():
        if getattr(policy, attribute):
            yield Finding(
                code="KR219",
                severity=Severity.WARNING,
                summary=f"boot: {attribute} is for RedHawk; this kernel is {facts.kernel.release}",
                remedy=remedy,
                source=policy.source_of(attribute),
            )


def redhawk_lists_agree(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """RedHawk takes the CPUs of managed interrupts from both arguments; CPU 0 must be in them."""
    if not facts.kernel.is_redhawk or not any(vm.rt for vm in subject.configuration.vms):
        return
    present = {key_of(one): value_of(one) for one in _next_boot(subject, facts)}
    msi, irqs = present.get("msi_affinity_mask"), present.get("irqaffinity")
    if msi is None and irqs is None:
        return
    problem = ""
    if msi != irqs:
        problem = f"msi_affinity_mask is {_shown(msi)} and irqaffinity is {_shown(irqs)}"
    elif 0 not in _cpus(msi or ""):
        problem = f"msi_affinity_mask and irqaffinity are {_shown(msi)}, without CPU 0"
    if problem:
        yield Finding(
            code="KR220",
            severity=Severity.WARNING,
            summary=problem,
            detail="RedHawk takes the CPUs of managed interrupts from both",
            remedy="write `irqaffinity: auto` in the boot part; both get the same list then",
            source=_source(subject.configuration.host.boot, "irqaffinity"),
        )


def cpu_zero_keeps_the_time(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """The kernel drops the CPU that keeps the time from nohz_full, and housekeeping needs one."""
    policy = subject.configuration.host.boot
    if policy is None:
        return
    for attribute, token in wanted_by_attribute(policy, facts, subject.placement):
        if attribute not in ("nohz_full", "managed_irqs"):
            continue
        cpus = _cpus(value_of(token).removeprefix("managed_irq,"))
        if 0 in cpus or facts.cpus.present <= cpus:
            yield Finding(
                code="KR221",
                severity=Severity.ERROR,
                summary=f"boot: {attribute} {cpus} has CPU 0 in it, which keeps the time",
                remedy="write auto, or a list without CPU 0",
                source=policy.source_of(attribute),
            )


def files_of_others_agree(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Of two options or assignments for the same thing one is lost, and which is nobody's to say."""
    host = subject.configuration.host
    clashes = [
        (f"{option} of {place}", f"kvm: {attribute}", place)
        for option, place in facts.kvm.foreign
        for attribute in PARAMETERS
        if host.kvm is not None and _differs(option, attribute, host.kvm)
    ]
    clashes += [
        (f"{name} to {cpus} in {SHIELD_FILE}", f"irqs: {one.irq} to {one.cpus}", SHIELD_FILE)
        for name, cpus in facts.shield_file.foreign
        for one in host.irqs
        if facts.slices.shield is not None and str(one.irq) == name and one.cpus != cpus
    ]
    for theirs, ours, place in clashes:
        yield Finding(
            code="KR222",
            severity=Severity.ERROR,
            summary=f"{ours} differs from {escape_text(theirs)}",
            detail="kvmrt changes no line that it has not written",
            remedy=f"remove the line from {place}, or the attribute from the configuration",
            source=host.source_of("kvm" if ours.startswith("kvm") else "irqs"),
        )


def _differs(option: str, attribute: str, policy: KvmPolicy) -> bool:
    key, _, word = option.partition("=")
    value = getattr(policy, attribute)
    if value is None or key != f"{PARAMETERS[attribute]}.{attribute}":
        return False
    made = {True: ("1", "Y", "y"), False: ("0", "N", "n")}
    same = made[value] if isinstance(value, bool) else _NX_SAME.get(str(value), (str(value),))
    return word not in same


#: What the kernel takes for each word of nx_huge_pages.
_NX_SAME = {"off": ("off", "0", "N", "n"), "force": ("force", "1", "Y", "y"), "never": ("never",)}


def _next_boot(subject: Subject, facts: HostFacts) -> tuple[str, ...]:
    """The arguments once the plan is applied."""
    boot = facts.boot
    policy = subject.configuration.host.boot
    others = boot.running if boot.configured is None else boot.configured
    kept = tuple(one for one in others if one not in boot.own)
    if policy is None:
        return (*kept, *boot.own)
    asked = tuple(one for _, one in wanted_by_attribute(policy, facts, subject.placement))
    return (*kept, *split_tokens(" ".join(asked)))


def _cpus(text: str) -> CpuSet:
    try:
        return CpuSet.parse_kernel(text.strip("[]"))
    except CpuListError:
        return CpuSet()


def _shown(value: str | None) -> str:
    return "absent" if value is None else escape_text(value)


def _source(policy: BootPolicy | None, attribute: str) -> Source | None:
    return None if policy is None else policy.source_of(attribute)


HOST_RULES = (
    nobody_else_sets_the_same, boot_loader_is_known, devices_are_remapped, menu_has_what_is_written,
    arguments_are_of_this_kernel, redhawk_lists_agree, files_of_others_agree, cpu_zero_keeps_the_time,
)  # fmt: skip
