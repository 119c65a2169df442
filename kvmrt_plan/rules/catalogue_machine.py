# SPDX-License-Identifier: Apache-2.0
"""The codes about the guest's machine."""

from __future__ import annotations

from kvmrt_plan.rules.catalogue import Entry

ENTRIES = (
    Entry(
        "KR140", "A VM hides KVM and sets what only KVM can tell", "warning",
        why="A guest that does not see KVM asks it for nothing: no hints, no kvmclock, no ptp_kvm, so "
        "that chrony in the guest has no host clock to follow. The hints are not written then.",
        example="rt1: {hide_kvm: true, hint_dedicated: true}",
        remedy="switch `hide_kvm` off, or remove the hints and give the guest `invtsc`.",
    ),
    Entry(
        "KR141", "A CPU attribute needs another cpu_mode", "error",
        why="libvirt takes `migratable` with host-passthrough and maximum only, and single features "
        "only where a model says what they are added to.",
        example="rt1: {cpu_mode: host-model, migratable: false}",
        remedy="set `cpu_mode: host-passthrough`.",
    ),
    Entry(
        "KR142", "cell_nodes does not fit the guest's NUMA cells", "error",
        why="Each `<cell>` of the guest's `<numa>` gets one host node, and QEMU can take memory only "
        "from nodes of `numatune`.",
        example="rt1: {numatune: 0, cell_nodes: 0-1}",
        remedy="name one node of `numatune` for each cell, or leave the attribute out.",
    ),
    Entry(
        "KR143", "libvirt limits the processor time of an RT VM", "warning",
        why="The quota of `<cputune>` stops a thread that has used it up until the period is over, for "
        "up to 100 ms.",
        example="rt1: {rt: true, cpuset: 1-2}  # <quota>50000</quota> in libvirt",
        remedy="remove the quota with `virsh edit`.",
    ),
    Entry(
        "KR144", "The energy preference contradicts the governor", "error",
        why="While the governor is `performance`, intel_pstate and amd_pstate refuse every other "
        "preference.",
        example="host: {governor: performance, energy_preference: balance_power}",
        remedy="set `energy_preference: performance`, or leave it out.",
    ),
)  # fmt: skip
