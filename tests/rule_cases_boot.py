# SPDX-License-Identifier: Apache-2.0
"""Cases about the kernel's arguments."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from facts_builders import cpus, make_domain, make_kernel, make_slices
from rule_case import ADVICE, ERROR, WARNING, case, host, irqs, of, rt, vm

from kvmrt_plan.desired.boot_model import BootCpus, BootPolicy
from kvmrt_plan.desired.kvm_model import KvmPolicy, NxHugePages
from kvmrt_plan.diagnostics import Source
from kvmrt_plan.facts.initramfs import Initramfs
from kvmrt_plan.facts.kernel_args import BootArguments, Loader
from kvmrt_plan.facts.kvm import KvmParameters
from kvmrt_plan.facts.shield_file import ShieldFile
from kvmrt_plan.facts.slices import Shield
from kvmrt_plan.values.cpuset import EMPTY

REDHAWK = make_kernel(is_redhawk=True)
PCI = "<hostdev mode='subsystem' type='pci'/>"


def asks(**values: Any) -> dict[str, Any]:
    """The host part with a boot part in line 5."""
    return {"boot": BootPolicy(**values, sources={"": Source("kvmrt.yaml", 5)})}


def booted(configured: str | None = "ro", **values: Any) -> Any:
    """A host that is booted by GRUB."""
    tokens = None if configured is None else tuple(configured.split())
    made = BootArguments(loader=Loader.GRUB_DROP_IN, running=("ro",), configured=tokens)
    boot = {name: values.pop(name) for name in ("own", "foreign") if name in values}
    return host(boot=replace(made, **boot), **values)


DEFAULTS = "/etc/default/grub"
case(
    "KR215 somebody else's list",
    of(rt(1, "1-3"), **asks(nohz_full=cpus("2-3"))),
    booted("ro nohz_full=1-7", foreign=(("nohz_full=1-7", DEFAULTS),)),
    (ERROR, None, 5, f"boot: nohz_full asks for nohz_full=2-3, but {DEFAULTS} has nohz_full=1-7"),
)
case(
    "KR215 somebody else's list in the menu alone",
    of(rt(1, "1-3"), **asks(nohz_full=cpus("2-3"))),
    booted("ro nohz_full=1-7"),
    (ERROR, None, 5, "boot: nohz_full asks for nohz_full=2-3, but the boot menu has nohz_full=1-7"),
)
case(
    "KR215 the same by somebody else",
    of(rt(1, "1-3"), **asks(nohz_full=cpus("2-3"))),
    booted("ro nohz_full=2-3", foreign=(("nohz_full=2-3", DEFAULTS),)),
)
case(
    "KR215 an older one of ours",
    of(rt(1, "1-3"), **asks(nohz_full=cpus("2-3"))),
    booted("ro nohz_full=2", own=("nohz_full=2",)),
)
case(
    "KR216 no boot loader",
    of(rt(1, "1-3"), **asks(rcu_nocbs=BootCpus.AUTO)),
    host(),
    (ERROR, None, 5, "boot arguments are asked for, and no boot loader is known of this host"),
)
XML = f"<domain><devices>{PCI}</devices></domain>"
case(
    "KR217 a device and no IOMMU",
    of(vm(1)),
    host(domains=[replace(make_domain(1, "vm1"), xml=XML)], iommus=()),
    (WARNING, "vm1", 100, "vm1 has a PCI device of the host, and the IOMMU is off"),
)
case(
    "KR217 a device and an IOMMU",
    of(vm(1)),
    host(domains=[replace(make_domain(1, "vm1"), xml=XML)], iommus=("dmar0",)),
)
case(
    "KR218 a menu that was made anew",
    of(**asks(kthread_prio=10)),
    booted(own=("rcutree.kthread_prio=10",)),
    (
        WARNING,
        None,
        5,
        "the boot loader (grub-drop-in) does not have rcutree.kthread_prio=10, which kvmrt has written",
    ),
)
case(
    "KR219 another kernel",
    of(**asks(workqueue_pri=3)),
    booted(),
    (WARNING, None, 5, "boot: workqueue_pri is for RedHawk; this kernel is 6.12.0-rt"),
)
case("KR219 RedHawk", of(**asks(workqueue_pri=3)), booted(kernel=REDHAWK))
case(
    "KR220 one of the lists",
    of(rt(1, "1-3")),
    booted("ro msi_affinity_mask=0", kernel=REDHAWK),
    (WARNING, None, None, "msi_affinity_mask is 0 and irqaffinity is absent"),
)
case(
    "KR220 without CPU 0",
    of(rt(1, "1-3"), **asks(irqaffinity=cpus("4-7"))),
    booted(kernel=REDHAWK),
    (WARNING, None, 5, "msi_affinity_mask and irqaffinity are 4-7, without CPU 0"),
)
case(
    "KR220 auto",
    of(rt(1, "1-3"), **asks(irqaffinity=BootCpus.AUTO)),
    booted(kernel=REDHAWK),
)
case(
    "KR221 CPU 0 without a tick",
    of(**asks(nohz_full=cpus("0-3"))),
    booted(),
    (ERROR, None, 5, "boot: nohz_full 0-3 has CPU 0 in it, which keeps the time"),
)
case("KR221 auto", of(rt(1, "0-3"), **asks(nohz_full=BootCpus.AUTO)), booted())

TUNED = "/etc/modprobe.d/kvm.rt.tuned.conf"


def modules(*options: str) -> Any:
    """A host where TuneD has set options."""
    return host(kvm=KvmParameters(foreign=tuple((one, TUNED) for one in options)))


case(
    "KR222 an option of a module",
    of(kvm=KvmPolicy(halt_poll_ns=0)),
    modules("kvm.halt_poll_ns=200000"),
    (ERROR, None, 2, f"kvm: halt_poll_ns differs from kvm.halt_poll_ns=200000 of {TUNED}"),
)
case(
    "KR222 the same in another spelling",
    of(kvm=KvmPolicy(kvmclock_periodic_sync=False, nx_huge_pages=NxHugePages.OFF)),
    modules("kvm.kvmclock_periodic_sync=0", "kvm.nx_huge_pages=0"),
)
SHIELDED = make_slices(shield=Shield(processes=EMPTY, irqs=EMPTY, local_timers=EMPTY))
ASSIGNED = ShieldFile(foreign=(("55", cpus("0-3")),))
case(
    "KR222 an assignment of RedHawk's",
    of(**irqs(55, "0")),
    host(slices=SHIELDED, shield_file=ASSIGNED),
    (ERROR, None, 2, "irqs: 55 to 0 differs from 55 to 0-3 in /etc/sysconfig/shield"),
)
case(
    "KR222 the same assignment",
    of(**irqs(55, "0-3")),
    host(slices=SHIELDED, shield_file=ASSIGNED),
)
EARLY_KVM = Initramfs(
    tool="update-initramfs", modules={"kvm_intel": "/etc/initramfs-tools/modules"}
)
case(
    "KR247 KVM in the initramfs",
    of(kvm=KvmPolicy(halt_poll_ns=0)),
    host(initramfs=EARLY_KVM),
    (
        WARNING,
        None,
        None,
        (
            "the initramfs loads kvm_intel, and has the options of /etc/modprobe.d/kvmrt.conf only when "
            "it is made anew"
        ),
    ),
)
case(
    "KR247 options that run",
    of(kvm=KvmPolicy(halt_poll_ns=0)),
    host(
        initramfs=EARLY_KVM,
        kvm=KvmParameters(running={"kvm.halt_poll_ns": "0"}, own=("kvm.halt_poll_ns=0",)),
    ),
)
case("KR247 KVM comes later", of(kvm=KvmPolicy(halt_poll_ns=0)), host())
IDS = "vfio-pci.ids=10de:1db4"
case(
    "KR248 vfio-pci comes later",
    of(boot=BootPolicy(arguments=(IDS,))),
    host(initramfs=Initramfs(tool="dracut")),
    (
        ADVICE,
        None,
        None,
        (
            f"{IDS} reserves devices only if vfio-pci is loaded before their drivers, and the initramfs is "
            "not told to"
        ),
    ),
)
case(
    "KR248 vfio-pci in the initramfs",
    of(boot=BootPolicy(arguments=(IDS,))),
    host(initramfs=Initramfs(tool="dracut", modules={"vfio_pci": "/etc/dracut.conf"})),
)
