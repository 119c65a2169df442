# SPDX-License-Identifier: Apache-2.0
"""The kernel's own noise on the CPUs of RT VMs: watchdog, timers, statistics, throttling, power.

Each setting is managed only where the host part of the configuration asks for it, and only while an RT
VM holds its policies; afterwards it returns to the value it had. A file that the kernel does not have
is a feature that cannot disturb.

Why these values:

- `timer_migration` 1: CPUs that are shielded after boot have to get rid of timers armed before.
- `stat_interval` 10: the per-CPU statistics update runs a kworker on every CPU.
- `sched_rt_runtime_us` -1: with the default a FIFO vCPU that never sleeps loses 50 ms of each second.
- `fair_server`: since 6.12 the limit is a server of its own on each CPU; a runtime of 0 stops it.
- `ignore_ce`: corrected machine checks are neither polled nor signalled; uncorrected ones still are.
- `pm_qos_resume_latency_us`: keeps the CPU out of idle states that take longer to leave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import (
    Change,
    Considered,
    Disturbance,
    Kind,
    Reason,
    ReasonCode,
    unless_right,
)
from kvmrt_plan.changes.masks import released
from kvmrt_plan.desired.host_knobs import PageMerging, TransparentHugepages
from kvmrt_plan.facts.knobs import THROTTLING, WATCHDOG
from kvmrt_plan.values.cpuset import CpuSet, union

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.masks import Masks
    from kvmrt_plan.desired.model import HostPolicy

_QUIET = {
    "sysctl/kernel.timer_migration": "1",
    "sysctl/kernel.numa_balancing": "0",
    "sysctl/vm.stat_interval": "10",
    "ksm/run": "0",
}


_HOST_WORDS: dict[str, tuple[str, dict[object, str]]] = {
    "page_merging": ("ksm/run", {PageMerging.STOPPED: "0", PageMerging.UNMERGED: "2"}),
    "transparent_hugepages": (
        "thp/enabled",
        {word: str(word) for word in TransparentHugepages},
    ),
    "nmi_watchdog": ("sysctl/kernel.nmi_watchdog", {False: "0"}),
    "machine_check_polling": ("machinecheck/ignore_ce", {False: "1"}),
}


def knob_changes(policy: HostPolicy, masks: Masks) -> Iterator[Considered]:
    """A change for every setting that is not as it should be, and for those that are given back."""
    wanted = dict(_wanted(policy, masks)) if masks.placement.isolated else {}
    for address, now in masks.facts.knobs.items():
        if address.startswith("kvm/"):
            continue  # changes/kvm.py
        if address in wanted:
            attribute, value = wanted[address]
            owners = masks.reasons.leaving(masks.placement.isolated).text
            reason = Reason(
                code=ReasonCode.HOST_POLICY,
                text=f"{attribute} is {_shown(getattr(policy, attribute))} and {owners}",
                source=policy.source_of(attribute),
            )
            yield _consider(address, now, value, reason, requires=_before(address, masks))
        else:
            held = masks.facts.held.get(address)
            if held is not None and held.written == now and held.original is not None:
                yield _consider(
                    address, now, held.original, released(), requires=_before(address, masks)
                )


def _wanted(policy: HostPolicy, masks: Masks) -> Iterator[tuple[str, tuple[str, str]]]:
    """Address, the attribute that asks for it, and the value."""
    if policy.quiet_kernel:
        for address, value in _QUIET.items():
            yield address, ("quiet_kernel", value)
        yield WATCHDOG, ("quiet_kernel", str(_watchdog(masks)))
    if not policy.rt_throttling:
        yield THROTTLING, ("rt_throttling", "-1")
    for attribute, (address, values) in _HOST_WORDS.items():
        word = values.get(getattr(policy, attribute))
        if word is not None:
            yield address, (attribute, word)
    used = union(one.used for one in masks.placement.vms if one.holds_policies)
    for cpu in used & masks.facts.cpus.online:
        yield from _wanted_of_cpu(policy, cpu)
    if policy.idle_exit_us is not None:
        for address, latency in masks.facts.idle_exit_us.items():
            if latency > policy.idle_exit_us and int(address.rpartition("/")[2]) in used:
                yield address, ("idle_exit_us", "1")


def _wanted_of_cpu(policy: HostPolicy, cpu: int) -> Iterator[tuple[str, tuple[str, str]]]:
    if policy.governor is not None:
        yield f"power/governor/{cpu}", ("governor", policy.governor)
    if policy.cpu_latency_us is not None:
        yield f"power/latency/{cpu}", ("cpu_latency_us", str(policy.cpu_latency_us))
    if policy.energy_preference is not None:
        yield f"power/energy/{cpu}", ("energy_preference", policy.energy_preference)
    if not policy.rt_throttling:
        yield f"power/fair-server/{cpu}", ("rt_throttling", "0")


def _watchdog(masks: Masks) -> CpuSet:
    now = masks.facts.knobs.get(WATCHDOG, "")
    held = masks.facts.held.get(WATCHDOG)
    before = held.original if held is not None and held.written == now else now
    return masks.leave(CpuSet.parse_kernel(before or ""))


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _before(address: str, masks: Masks) -> tuple[str, ...]:
    """While the governor is `performance`, drivers with preferences of their own (intel_pstate,
    amd_pstate) refuse any other preference with EBUSY: it is set before that governor, and back after.
    """
    _, _, rest = address.partition("power/")
    name, _, cpu = rest.partition("/")
    is_fixed = masks.facts.knobs.get(f"power/governor/{cpu}") == "performance"
    if name == "governor" and not is_fixed:
        return (f"power/energy/{cpu}",)
    return (f"power/governor/{cpu}",) if name == "energy" and is_fixed else ()


def _consider(
    address: str, now: str, value: str, reason: Reason, *, requires: tuple[str, ...]
) -> Considered:
    kind = Kind.CPU_POWER if address.startswith("power/") else Kind.SYSCTL
    return unless_right(
        Change(
            kind=kind,
            address=address,
            before=now,
            after=value,
            disturbance=Disturbance.NONE,
            reason=reason,
            requires=requires,
        )
    )
