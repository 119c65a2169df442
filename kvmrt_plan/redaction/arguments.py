# SPDX-License-Identifier: Apache-2.0
"""Boot arguments: which of their values may be shown.

Names stay, and so do values that are numbers, cpulists, sizes or switches, and those of the arguments that
real time is about (admin-guide/kernel-parameters.txt). A value that is anything else may name a disk, an
address, a user or a password, and is replaced.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kvmrt_plan.redaction.words import REDACTED

if TYPE_CHECKING:
    from collections.abc import Collection

    from kvmrt_plan.redaction.words import Tally

#: Arguments whose values are words of the kernel.
_KNOWN = frozenset(
    {
        "clocksource", "console", "cpuidle.governor", "default_hugepagesz", "hugepages",
        "hugepagesz", "idle", "init_on_alloc", "intel_iommu", "intel_idle.max_cstate",
        "intel_pstate", "iommu", "irqaffinity", "isolcpus", "kthread_cpus", "kvm.nx_huge_pages",
        "lockdown", "mce", "mitigations", "module_blacklist", "modprobe.blacklist",
        "msi_affinity_mask", "nmi_watchdog", "nohz", "nohz_full", "numa_balancing", "pci",
        "pcie_aspm", "pci_aspm", "preempt", "processor.max_cstate", "psi", "rcu_nocbs",
        "rcutree.kthread_prio", "selinux", "apparmor", "skew_tick", "spectre_v2",
        "systemd.cpu_affinity", "systemd.unified_cgroup_hierarchy", "transparent_hugepage", "tsc",
        "vfio-pci.ids", "vfio_pci.ids", "workqueue.unbound_cpus", "cgroup_disable", "cgroup_no_v1",
        "amd_iommu", "amd_pstate", "cpufreq.default_governor", "crashkernel", "rdt", "acpi",
        "iommu.strict", "kthread_prio", "nosmt", "threadirqs", "rcu_nocb_poll", "nosoftlockup",
        "audit", "hugetlb_free_vmemmap",
    }
)  # fmt: skip
_PLAIN = re.compile(
    r"-?[0-9][0-9,-]*|0x[0-9a-fA-F]{1,16}|[0-9]+[kKmMgG]|on|off|auto|force|yes|no|[yn]"
)
_WORD = re.compile(r"\S+")
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_][\w.-]*)=(?P<value>\"[^\"]*\"|\S*)")


def redact_arguments(text: str, tally: Tally, kept: Collection[str] = ()) -> str:
    """The command line with the values replaced that may be private; blanks stay as they are.

    What has no name, such as a path that is handed to init, is replaced as a whole. Tokens that are to be
    kept stay, and so do the boot loader's own variables (`$kernelopts`).

    >>> from kvmrt_plan.redaction.words import Tally
    >>> redact_arguments("root=/dev/sda1 ro isolcpus=4-7 quiet", Tally())
    'root=redacted ro isolcpus=4-7 quiet'
    """
    return _WORD.sub(
        lambda found: found[0] if found[0] in kept else _redact_word(found[0], tally),
        _join_quoted(text, tally),
    )


def _join_quoted(text: str, tally: Tally) -> str:
    """Without values in quotes, which may have blanks in them (next_arg, lib/cmdline.c)."""

    def replace(found: re.Match[str]) -> str:
        if not found["value"].startswith('"'):
            return found[0]
        tally.add("boot-arguments")
        return f"{found['name']}={REDACTED}"

    return _ASSIGNMENT.sub(replace, text)


def _redact_word(word: str, tally: Tally) -> str:
    name, equals, value = word.partition("=")
    if not equals:
        if re.fullmatch(r"[A-Za-z_][\w.-]*|--|\$\w+|\$\{\w+\}", word):
            return word
        tally.add("boot-arguments")
        return REDACTED
    if name in _KNOWN or value in {"", REDACTED} or _PLAIN.fullmatch(value):
        return word
    tally.add("boot-arguments")
    return f"{name}={REDACTED}"
