# SPDX-License-Identifier: Apache-2.0
"""Runs every rule and collects what they find; no rule stops another.

A rule is a function of the subject (and, where it needs one, of the host) that yields findings. The
codes are explained in `docs/findings.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import sort_findings
from kvmrt_plan.placement.place import place
from kvmrt_plan.rules import (
    bindings,
    boot_isolation,
    cpus,
    domains,
    enforcement,
    environment,
    gathering,
    guest,
    guest_memory,
    host,
    hotplug,
    identity,
    initramfs,
    interrupts,
    kernel_args,
    kthreads,
    legacy_cpusets,
    machine,
    memory,
    memory_shield,
    nodes,
    partitions,
    sharing,
    siblings,
    threads,
    weaker_shield,
    writers,
)
from kvmrt_plan.rules.subject import subject_on_host, subject_without_host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from kvmrt_plan.desired.model import Configuration
    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement
    from kvmrt_plan.rules.subject import Subject

    Rule: TypeAlias = Callable[[Subject], Iterable[Finding]]
    HostRule: TypeAlias = Callable[[Subject, HostFacts], Iterable[Finding]]

#: Rules about the configuration alone.
RULES: tuple[Rule, ...] = (
    *cpus.RULES, *sharing.RULES, *memory.RULES, *nodes.RULES, *identity.RULES, *threads.RULES,
    *host.RULES, *interrupts.RULES, *machine.RULES, *guest.RULES,
)  # fmt: skip

#: Rules that need a host.
HOST_RULES: tuple[HostRule, ...] = (
    *cpus.HOST_RULES, *siblings.HOST_RULES, *memory.HOST_RULES, *bindings.HOST_RULES, *nodes.HOST_RULES,
    *domains.HOST_RULES, *threads.HOST_RULES, *host.HOST_RULES, *interrupts.HOST_RULES,
    *gathering.HOST_RULES, *environment.HOST_RULES, *enforcement.HOST_RULES,
    *machine.HOST_RULES, *kernel_args.HOST_RULES, *partitions.HOST_RULES, *writers.HOST_RULES,
    *hotplug.HOST_RULES, *kthreads.HOST_RULES, *weaker_shield.HOST_RULES, *guest_memory.HOST_RULES,
    *memory_shield.HOST_RULES, *initramfs.HOST_RULES,
    *boot_isolation.HOST_RULES, *legacy_cpusets.HOST_RULES,
)  # fmt: skip


def check(
    configuration: Configuration, facts: HostFacts | None, placement: Placement | None
) -> tuple[Finding, ...]:
    """All findings about the configuration, sorted.

    Args:
        configuration: what is asked for.
        facts: the host; None checks what can be checked without one.
        placement: the configuration placed on that host; None: it is placed here.

    Raises:
        DomainXmlError: the XML of a domain that a rule has to look into cannot be read.
    """
    if facts is None:
        subject = subject_without_host(configuration)
        return sort_findings([found for rule in RULES for found in rule(subject)])
    subject = subject_on_host(configuration, facts, placement or place(configuration, facts))
    findings = [found for rule in RULES for found in rule(subject)]
    findings.extend(found for host_rule in HOST_RULES for found in host_rule(subject, facts))
    return sort_findings(findings)
