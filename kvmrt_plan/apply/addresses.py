# SPDX-License-Identifier: Apache-2.0
"""From an address to the file that carries its value: a closed table.

A plan file may come from anywhere, so no part of an address goes into a path unless it has the form that
the table demands.
"""

from __future__ import annotations

import re

from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import KvmrtError
from kvmrt_plan.facts.guest import CHRONY, PATHS
from kvmrt_plan.facts.hugepages import nr_hugepages
from kvmrt_plan.facts.idle import IDLE_STATE
from kvmrt_plan.facts.knobs import CPU_KNOBS, HOST_KNOBS
from kvmrt_plan.facts.net_queues import queue_path

#: The path of a cpuset below the hierarchy's root.
_CPUSET = (
    r"(?!\.{1,2}(?:/|\Z))[^/\x00-\x1f]{1,255}(?:/(?!\.{1,2}(?:/|\Z))[^/\x00-\x1f]{1,255}){0,7}"
)
#: Compiled when they are first needed: all of them would cost every apply 5 ms.
_FORMS = {
    Kind.IRQ_AFFINITY: (r"irq/([0-9]{1,9})"),
    Kind.IRQ_DEFAULT_AFFINITY: (r"irq/(default)"),
    Kind.IRQBALANCE_BAN: (r"irqbalance/(running)"),
    Kind.IRQBALANCE_FILE: (r"irqbalance(/etc/(?:default|sysconfig|conf\.d)/irqbalance)"),
    # What the kernel takes as an interface's name (net/core/dev.c, dev_valid_name).
    Kind.NET_QUEUE: (r"net/((?!\.{1,2}/)[^/:\s]{1,15}/(?:rx|tx)-[0-9]{1,5})"),
    Kind.KERNEL_THREAD: (r"kthread/(.{1,80}/scheduler)"),
    Kind.KERNEL_THREAD_CPUS: (r"kthread/(.{1,80}/cpus)"),
    Kind.CPU_ONLINE: (r"cpu/([0-9]{1,5})"),
    Kind.CPU_EVACUATION: (r"cpu/([0-9]{1,5})/evacuated"),
    Kind.SYSCTL: (r"((?:sysctl|ksm|thp|machinecheck|kvm)/[a-z_.]+)"),
    Kind.CPU_POWER: (
        r"power/((?:energy|governor|latency|fair-server|idle-state[0-9]{1,2})/[0-9]{1,5})"
    ),
    Kind.HUGEPAGES: (r"hugepages/((?:host|node[0-9]{1,5})/[0-9]{1,8})"),
    Kind.WORKQUEUE_CPUMASK: (r"workqueue/((?:[A-Za-z0-9_-]+/)?cpumask)"),
    Kind.SLICE_CPUS: (r"slice/([A-Za-z0-9:_@-][A-Za-z0-9:_.@-]*\.(?:slice|scope|service))"),
    Kind.SLICE_MEMORY: (r"memory/([A-Za-z0-9:_@-][A-Za-z0-9:_.@-]*\.(?:slice|scope|service))"),
    # Only units that kvmrt makes: a plan must not remove another's slice, nor make one a partition.
    Kind.VM_SLICE: (r"vm-slice/(kvmrt[0-9a-f]{32}\.slice)"),
    Kind.PARTITION: (r"partition/(kvmrt[0-9a-f]{32}\.slice)"),
    Kind.PARTITION_LIFT: (r"partition/(kvmrt[0-9a-f]{32}\.slice)/lifted"),
    # Names as libvirt and engines give them; nothing climbs out of the hierarchy.
    Kind.CPUSET: (rf"cpuset/({_CPUSET})"),
    Kind.CPUSET_WIDEN: (rf"cpuset/({_CPUSET})/widened"),
    Kind.CPUSET_TASKS: (r"cpuset-tasks/(kvmrt)"),
    Kind.SHIELD: (r"shield/(processes|irqs|local-timers)"),
    Kind.DOMAIN_XML: (r"vm/[^/]+/([a-z-]+(?: [0-9]{1,5})?)"),
    Kind.DOMAIN_LIVE_PIN: (r"vm/[^/]+/live/([a-z-]+(?: [0-9]{1,5})?)"),
    Kind.GUEST_THREAD: (r"vm/[^/]+/thread/(.{1,64}/(?:cpus|scheduler))"),
    Kind.DOMAIN_RENAME: (r"vm/[^/]+/(name)"),
    Kind.DOMAIN_AUTOSTART: (r"vm/[^/]+/(autostart)"),
    Kind.DOMAIN_STATE: (r"vm/[^/]+/(state)"),
    Kind.BOOT_ARGUMENTS: (r"boot/(arguments)"),
    Kind.GUEST_FILE: (rf"vm/[^/]+/guest/file({'|'.join(map(re.escape, PATHS))})"),
    Kind.GUEST_SETTING: (
        rf"vm/[^/]+/guest/(module/virtio_balloon|(?:unit|running)/(?:{'|'.join(CHRONY)}))"
    ),
    Kind.MODULE_OPTIONS: (r"modules/(options)"),
    Kind.SHIELD_ASSIGNMENTS: (r"shield/(assignments)"),
    # Whoever writes another file names it here: a plan must not choose what root overwrites.
    Kind.FILE: (r"file(/etc/systemd/system/kvmrt\.service)"),
    Kind.SERVICE: (r"service/(kvmrt\.service)"),
}
_COMPILED: dict[Kind, re.Pattern[str]] = {}

_PATHS = {
    Kind.IRQ_AFFINITY: "/proc/irq/{}/smp_affinity_list",
    Kind.IRQ_DEFAULT_AFFINITY: "/proc/irq/default_smp_affinity",
    Kind.CPU_ONLINE: "/sys/devices/system/cpu/cpu{}/online",
    Kind.CPU_EVACUATION: "/sys/devices/system/cpu/cpu{}/online",
    Kind.WORKQUEUE_CPUMASK: "/sys/devices/virtual/workqueue/{}",
}


def subject_of(kind: Kind, address: str) -> str:
    """What the address names: an interrupt's or CPU's number, a unit, a setting's key.

    Raises:
        KvmrtError: the address is not of the kind's form.
    """
    form = _COMPILED.get(kind)
    if form is None:
        form = _COMPILED[kind] = re.compile(_FORMS[kind])
    matched = form.fullmatch(address)
    if matched is None:
        raise KvmrtError(
            f"{address!r} is no address of kind {kind}",
            "the plan was not made by kvmrt, or was edited: make a new one",
        )
    return matched[1]


def path_of(kind: Kind, address: str) -> str:
    """The kernel's file behind the address."""
    subject = subject_of(kind, address)
    # Interrupts go by thousands: what most kinds need comes first.
    if kind in _PATHS:
        return _PATHS[kind].format(subject)
    if kind is Kind.SYSCTL:
        if address not in HOST_KNOBS:
            raise KvmrtError(f"{address!r} is no setting that kvmrt writes", "make a new plan")
        return HOST_KNOBS[address]
    if kind is Kind.HUGEPAGES:
        place, _, size_kib = subject.partition("/")
        return nr_hugepages(None if place == "host" else int(place[4:]), int(size_kib))
    if kind is Kind.NET_QUEUE:
        return queue_path(*subject.split("/"))
    name, _, cpu = subject.partition("/")
    if name.startswith("idle-state"):
        return IDLE_STATE.format(cpu, name.removeprefix("idle-state"))
    return CPU_KNOBS[name].format(cpu)
