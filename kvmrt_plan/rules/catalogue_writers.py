# SPDX-License-Identifier: Apache-2.0
"""The codes about services that write what kvmrt writes."""

from __future__ import annotations

from kvmrt_plan.rules.catalogue import Entry

ENTRIES = (
    Entry(
        "KR224",
        "TuneD isolates CPUs of RT VMs",
        "error",
        why="The scheduler plugin of its real-time profiles gives every thread other CPUs than the isolated "
        "ones, the pinned vCPUs of a running guest included: the guest loses its CPUs, or hangs.",
        example="# /etc/tuned/realtime-virtual-host-variables.conf\nisolated_cores=2-5",
        remedy="`tuned-adm off`, or take the CPUs out of isolated_cores. A copy of the profile in /etc/tuned "
        "whose scheduler plugin has a `ps_blacklist` that names qemu is left alone.",
        language="sh",
    ),
    Entry(
        "KR225",
        "numad is running",
        "warning",
        why="It binds large busy processes, guests first of all, to the CPUs of one node and moves their "
        "memory.",
        example="systemctl is-active numad",
        remedy="disable it; cpuset and numatune say where a guest belongs.",
        language="sh",
    ),
    Entry(
        "KR226",
        "ksmtuned is running",
        "warning with quiet_kernel, else advice",
        why="It switches the merging of pages on when memory gets scarce. The scan takes time on every node, "
        "and a write to a merged page is a page fault of the guest.",
        example="systemctl is-active ksmtuned",
        remedy="disable it together with ksm.",
        language="sh",
    ),
    Entry(
        "KR227",
        "A service changes frequencies",
        "warning with governor, else advice",
        why="power-profiles-daemon, TLP and thermald write governors and limits when supply, load or "
        "temperature change, and with that the latency of every CPU.",
        example="systemctl is-active power-profiles-daemon",
        remedy="disable it and set `governor`.",
        language="sh",
    ),
    Entry(
        "KR228",
        "Containers were given CPUs of RT VMs",
        "warning",
        why="docker, podman and kubelet write lists of CPUs of their own. podman's containers lie in "
        "machine.slice, as guests do, which is not confined; elsewhere the container loses these CPUs.",
        example="podman run --cpuset-cpus 4-7 IMAGE",
        remedy="give the containers other CPUs.",
        language="sh",
    ),
    Entry(
        "KR229",
        "A top-level cgroup is none of systemd's",
        "warning",
        why="Tasks are kept away through the units of systemd. What an engine makes beside them (`docker`, "
        "`kubepods`) is not confined.",
        example="dockerd --exec-opt native.cgroupdriver=cgroupfs",
        remedy="let the engine use systemd's driver.",
        language="sh",
    ),
)
