# SPDX-License-Identifier: Apache-2.0
"""The codes about the inside of guests."""

from __future__ import annotations

from kvmrt_plan.rules.catalogue import Entry

ENTRIES = (
    Entry(
        "KR240", "hide_kvm hides the clock that guest_clock asks for", "error",
        why="The module ptp_kvm reads the host's clock by a hypercall of KVM. A guest from which KVM is "
        "hidden does not load it.",
        example="rt1: {rt: true, cpuset: 1-3, hide_kvm: true, guest_clock: ptp_kvm}",
        remedy="show KVM to the guest, or keep its time by the network.",
    ),
    Entry(
        "KR241", "The inside of a guest is not known", "warning",
        why="`kvmrt guest` looks into a guest through its agent. This one does not run, has no agent, or "
        "its agent is not allowed to run programs.",
        example="virsh qemu-agent-command rt1 '{\"execute\": \"guest-ping\"}'",
        remedy="install qemu-guest-agent in the guest, or run there what `kvmrt guest --script` prints.",
        language="sh",
    ),
    Entry(
        "KR242", "chrony is not installed in a guest", "warning",
        why="`guest_clock: ptp_kvm` makes chrony follow the host's clock. kvmrt installs no packages.",
        example="rt1: {guest_clock: ptp_kvm}",
        remedy="install the package chrony in the guest, then run `kvmrt guest` again.",
    ),
    Entry(
        "KR243", "Nothing in a guest tells what its initramfs holds", "advice",
        why="An initramfs that holds virtio_balloon loads it before the guest's configuration is read. "
        "kvmrt asks lsinitramfs or lsinitrd.",
        example="rt1: {rt: true, cpuset: 1-3}  # a guest without initramfs-tools and dracut",
        remedy="make the initramfs anew with the guest's own tool, if it has one.",
    ),
)  # fmt: skip
