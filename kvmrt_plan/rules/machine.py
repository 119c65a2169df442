# SPDX-License-Identifier: Apache-2.0
"""Rules about the guest's machine: attributes that exclude or need each other, limits set in libvirt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.guest import CpuMode
from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.domainxml.cpu_model import guest_cells
from kvmrt_plan.domainxml.tree import first, text_of
from kvmrt_plan.rules.wording import listed, nodes_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.desired.model import VirtualMachine
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.rules.subject import Subject

#: What KVM tells a guest that knows of it.
_TOLD = ("hint_dedicated", "poll_control", "kvmclock")
#: Limits of processor time by libvirt's cgroups; -1 or absent is none (formatdomain, CPU Tuning).
_QUOTAS = ("quota", "global_quota", "emulator_quota", "iothread_quota")


def hidden_kvm_tells_nothing(subject: Subject) -> Iterator[Finding]:
    """A guest that does not see KVM asks it nothing."""
    for vm in subject.configuration.vms:
        told = [name for name in _TOLD if getattr(vm, name)]
        if vm.hide_kvm and told:
            yield Finding(
                code="KR140",
                severity=Severity.WARNING,
                summary=f"{vm.name}: hide_kvm is on, so that {listed(told)} "
                f"{'has' if len(told) == 1 else 'have'} no effect",
                detail="a guest that does not see KVM uses neither its hints nor its clock, and cannot "
                "load ptp_kvm, which chrony would take the host's time from",
                remedy="switch hide_kvm off, or remove these attributes",
                source=vm.source_of(told[0]),
                vm=vm.name,
            )


def models_belong_to_features(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """Libvirt takes `migratable` with host-passthrough and maximum only, and features with a model only."""
    for vm in subject.configuration.vms:
        domain = facts.domains.get(vm.uuid)
        if domain is None or not domain.xml:
            continue
        cpu = first(subject.definition(domain), "cpu")
        mode = str(vm.cpu_mode or "")
        if not mode and cpu is not None:
            mode = cpu.get("mode", "custom" if cpu.find("model") is not None else "")
        features = [name for name in ("invtsc", "tsc_deadline") if getattr(vm, name) is not None]
        if vm.migratable is False and mode not in (CpuMode.HOST_PASSTHROUGH, CpuMode.MAXIMUM):
            yield _needs_mode(vm, "migratable", mode)
        if features and not mode:
            yield _needs_mode(vm, features[0], mode)


def _needs_mode(vm: VirtualMachine, attribute: str, mode: str) -> Finding:
    return Finding(
        code="KR141",
        severity=Severity.ERROR,
        summary=f"{vm.name}: {attribute} needs a cpu_mode of host-passthrough, but it is "
        f"{mode or 'not set'}",
        detail="libvirt refuses the definition",
        remedy="set cpu_mode to host-passthrough, or remove the attribute",
        source=vm.source_of(attribute),
        vm=vm.name,
    )


def cells_have_nodes(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """One host node for each NUMA cell of the guest, among those that its memory comes from."""
    for one in subject.placement.vms:
        vm, domain = one.vm, facts.domains.get(one.vm.uuid)
        if vm.cell_nodes is None or domain is None or not domain.xml:
            continue
        cells = guest_cells(subject.definition(domain))
        problem = ""
        if cells != len(vm.cell_nodes):
            problem = f"names {len(vm.cell_nodes)} nodes, but the guest has {cells} NUMA cells"
        elif one.nodes is not None and not vm.cell_nodes <= one.nodes:
            outside = nodes_named(vm.cell_nodes - one.nodes)
            problem = f"names {outside}, which numatune does not"
        if problem:
            yield Finding(
                code="KR142",
                severity=Severity.ERROR,
                summary=f"{vm.name}: cell_nodes {problem}",
                detail="libvirt refuses to bind a cell that does not exist, and QEMU cannot take memory "
                "from a node outside numatune",
                remedy="give cell_nodes one node of numatune for each <cell> of the guest's <numa>",
                source=vm.source_of("cell_nodes"),
                vm=vm.name,
            )


def rt_vms_have_no_quota(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """The kernel stops a thread that has used up its quota until the period is over."""
    for vm in subject.configuration.vms:
        domain = facts.domains.get(vm.uuid)
        if not vm.rt or domain is None or not domain.xml:
            continue
        root = subject.definition(domain)
        found = {name: text_of(first(root, "cputune", name)).strip() for name in _QUOTAS}
        limits = [f"{name} {text}" for name, text in found.items() if text not in ("", "0", "-1")]
        if limits:
            yield Finding(
                code="KR143",
                severity=Severity.WARNING,
                summary=f"{vm.name}: libvirt limits its processor time ({listed(limits)})",
                detail="a thread that has used up its quota stands still until the next period",
                remedy=f"remove <{limits[0].partition(' ')[0]}> from <cputune> with "
                f"`virsh edit {domain.name}`",
                source=vm.source_of("rt"),
                vm=vm.name,
            )


def preferences_fit_the_governor(subject: Subject) -> Iterator[Finding]:
    """Drivers with preferences of their own take only one beside the governor `performance`."""
    policy = subject.configuration.host
    preference = policy.energy_preference
    if policy.governor == "performance" and preference not in (None, "performance"):
        yield Finding(
            code="KR144",
            severity=Severity.ERROR,
            summary=f"host: energy_preference is {preference}, but governor is performance",
            detail="intel_pstate and amd_pstate refuse any other preference then (EBUSY)",
            remedy="set energy_preference to performance, or leave it out",
            source=policy.source_of("energy_preference"),
        )


RULES = (hidden_kvm_tells_nothing, preferences_fit_the_governor)
HOST_RULES = (models_belong_to_features, cells_have_nodes, rt_vms_have_no_quota)
