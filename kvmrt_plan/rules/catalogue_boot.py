# SPDX-License-Identifier: Apache-2.0
"""The codes about the kernel's arguments."""

from __future__ import annotations

from kvmrt_plan.rules.catalogue import Entry

ENTRIES = (
    Entry(
        "KR215", "A boot argument is set to something else by somebody else", "error",
        why="Of two equal arguments the last one counts for most, and the kernel drops some when they "
        "differ. kvmrt changes no argument that it has not written.",
        example="host: {boot: {nohz_full: 2-3}}  # /etc/default/grub has nohz_full=1-7",
        remedy="remove the one that the finding names, or leave the attribute out. TuneD's stand in "
        "/etc/tuned/bootcmdline and go with its profile.",
    ),
    Entry(
        "KR216", "No boot loader is known of this host", "error",
        why="Boot arguments are asked for and there is nothing that kvmrt could write them to.",
        example="host: {boot: {rcu_nocbs: auto}}  # a board that boots with U-Boot",
        remedy="take the snapshot as root; with another boot loader set the arguments there.",
    ),
    Entry(
        "KR217", "A VM has a PCI device of the host, and the IOMMU is off", "warning",
        why="A device can be passed through only where its memory accesses are remapped; libvirt refuses to "
        "start the VM.",
        example="<hostdev mode='subsystem' type='pci' managed='yes'>",
        remedy="switch VT-d or AMD-Vi on in the firmware and boot with the arguments of the finding; "
        "`iommu: pt` in the boot part adds them.",
        language="xml",
    ),
    Entry(
        "KR218", "The boot loader lacks an argument that kvmrt has written", "warning",
        why="Its menu was made anew from other settings, or a kernel was installed whose entry lacks it.",
        example="host: {boot: {kthread_prio: 10}}  # and the menu was put back from a backup",
        remedy="make the menu anew with its tool (update-grub, grub2-mkconfig, kernel-install), or revert "
        "the run and apply again.",
    ),
    Entry(
        "KR219", "A boot attribute is for RedHawk alone", "warning",
        why="Other kernels do not know the argument; it is not written.",
        example="host: {boot: {workqueue_pri: 3}}",
        remedy="remove it; the finding says what other kernels have in its place.",
    ),
    Entry(
        "KR220", "RedHawk's lists of CPUs for interrupts disagree, or lack CPU 0", "warning",
        why="RedHawk takes the CPUs of managed interrupts from msi_affinity_mask and irqaffinity together.",
        example="host: {boot: {irqaffinity: 6-7}}  # without CPU 0",
        remedy="write `irqaffinity: auto`; both get the same list then.",
    ),
    Entry(
        "KR221", "CPU 0 is asked to do without a tick, or without managed interrupts", "error",
        why="CPU 0 keeps the time for all others; the kernel drops it from nohz_full, and the host needs a "
        "CPU.",
        example="host: {boot: {nohz_full: 0-3}}",
        remedy="write auto, or a list without CPU 0.",
    ),
    Entry(
        "KR222", "A file of somebody else sets the same to something else", "error",
        why="Of two options of a module, or two assignments of an interrupt in RedHawk's "
        "/etc/sysconfig/shield, one is lost. kvmrt changes no line that it has not written.",
        example="host: {kvm: {halt_poll_ns: 0}}  # another file in /etc/modprobe.d has 200000",
        remedy="remove the line that the finding names, or leave the attribute out.",
    ),
    Entry(
        "KR247", "The initramfs loads KVM with the options that it was made with", "warning",
        why="A copy of /etc/modprobe.d lies in the initramfs. Modules that its settings name are loaded from "
        "there, before the files of the root file system can be read.",
        example="host: {kvm: {halt_poll_ns: 0}}  # /etc/initramfs-tools/modules names kvm_intel",
        remedy="make the initramfs anew after the apply, with the command of the finding.",
    ),
    Entry(
        "KR248", "Devices are reserved by a module that may come too late", "advice",
        why="`vfio-pci.ids=` is an option of vfio-pci: where that is a module, it finds devices only that no "
        "other driver has taken. Whether it is built in, kvmrt does not know.",
        example='host: {boot: {arguments: ["vfio-pci.ids=10de:1db4"]}}',
        remedy="have the initramfs load it, with the commands of the finding, or use managed='yes'.",
    ),
)  # fmt: skip
