# SPDX-License-Identifier: Apache-2.0
"""Cases about the host and its interrupts, kernel and services."""

from __future__ import annotations

from dataclasses import replace

from facts_builders import (
    cpus,
    make_irq,
    make_kernel,
)
from rule_case import ADVICE, ERROR, WARNING, case, host, irqs, of, rt, vm

from kvmrt_plan.desired.irqbalance import IrqbalancePolicy
from kvmrt_plan.facts.irqbalance import Irqbalance
from kvmrt_plan.facts.services import Services
from kvmrt_plan.values.cpuset import EMPTY

case(
    "KR124 an RT VM's CPU",
    of(rt(1, "1-2"), housekeeping=cpus("0,9")),
    None,
)
case(
    "KR124 an RT VM's sibling",
    of(rt(1, "1-2"), housekeeping=cpus("0,9")),
    host(),
    (ERROR, None, 2, "housekeeping 0,9 takes CPU 9 of the RT VM vm1"),
)
case(
    "KR124 an offline CPU",
    of(housekeeping=cpus("0,9")),
    host(offline="9"),
    (ERROR, None, 2, "housekeeping 0,9 names CPU 9, which is offline"),
)
NIC = make_irq(40, "0", driver="ixgbe", interfaces=("eth0",))
case(
    "KR129 no such interrupt",
    of(**irqs(41, "0")),
    host(irqs=[NIC]),
    (WARNING, None, 3, "irqs: this host has no interrupt 41"),
)
case(
    "KR129 no such interface",
    of(**irqs("eth1", "0")),
    host(irqs=[NIC]),
    (WARNING, None, 3, "irqs: this host has no interface or driver eth1"),
)
case("KR129 an interface", of(**irqs("eth0", "0")), host(irqs=[NIC]))
case("KR129 a driver", of(**irqs("ixgbe", "0")), host(irqs=[NIC]))
case("KR129 a number", of(**irqs(40, "0")), host(irqs=[NIC]))
case(
    "KR130 no such CPU",
    of(**irqs(40, "0,99")),
    host(irqs=[NIC]),
    (ERROR, None, 3, "irqs: 40 is assigned to CPUs that not all exist: 99"),
)
case(
    "KR130 an offline CPU",
    of(**irqs(40, "0,9")),
    host(irqs=[NIC], offline="9"),
    (ERROR, None, 3, "irqs: 40 is assigned to CPUs that not all are online: 9"),
)
case(
    "KR130 a CPU that goes offline",
    of(rt(1, "1-2"), **irqs(40, "9")),
    host(irqs=[NIC]),
    (
        ERROR,
        None,
        3,
        "irqs: 40 is assigned to CPU 9, to be taken offline as siblings of an RT VM's CPUs",
    ),
    (ADVICE, None, 3, "irqs: 40 interrupts CPU 9 of the RT VM vm1"),
)
case(
    "KR130 an RT VM's CPU",
    of(rt(1, "1-2"), **irqs("eth0", "1")),
    None,
    (ADVICE, None, 3, "irqs: eth0 interrupts CPU 1 of the RT VM vm1"),
)
case(
    "KR133 a whole node",
    of(rt(1, "4-7", nr_vcpus=3)),
    host(),
    (WARNING, None, None, "NUMA node 1 has no housekeeping CPU left"),
)
case("KR133 a core is left", of(rt(1, "5-7", nr_vcpus=2)), host())
case(
    "KR201 libvirt is silent",
    of(vm(1)),
    host(libvirt_problem="connection refused", domains=()),
    (
        ERROR,
        None,
        None,
        (
            "libvirt's domains are not known (qemu:///system): nothing is planned for the VMs "
            "themselves"
        ),
    ),
)
case("KR201 no VM", of(), host(libvirt_problem="connection refused", domains=()))
case(
    "KR202 refused texts",
    of(),
    host(
        unreadable={
            "/proc/irq/4/smp_affinity_list": "EACCES",
            "/proc/irq/5/smp_affinity_list": "EACCES",
            "/proc/irq/5/effective_affinity_list": "EIO",
            "/sys/kernel/unrelated": "EACCES",
        }
    ),
    (
        WARNING,
        None,
        None,
        "1 text about interrupts could not be read (EIO): /proc/irq/5/effective_affinity_list",
    ),
    (
        WARNING,
        None,
        None,
        "2 texts about interrupts could not be read (EACCES): /proc/irq/{4-5}/smp_affinity_list",
    ),
)
case(
    "KR203 forgotten siblings",
    of(rt(1, "1-2")),
    host(offline="9,11", recorded=False),
    (WARNING, None, None, "the siblings of CPUs 9,11 are not known, because they are offline"),
)
case("KR203 recorded siblings", of(rt(1, "1-2")), host(offline="9,11"))
case("KR203 no RT VM", of(vm(1, "1-2")), host(offline="9,11", recorded=False))
case(
    "KR205 managed interrupts",
    of(rt(1, "1-2")),
    host(
        irqs=[
            make_irq(60, "0-1", effective=cpus("1"), is_managed=True, driver="nvme", device="d1"),
            make_irq(61, "2-3", effective=cpus("2"), is_managed=True, driver="nvme", device="d1"),
            make_irq(62, "4-5", effective=cpus("4"), is_managed=True, driver="nvme", device="d1"),
            make_irq(70, "2", effective=None, is_managed=True, driver="nvme", device="d2"),
            make_irq(80, "1", driver="ixgbe"),
        ]
    ),
    (
        WARNING,
        None,
        None,
        "1 managed interrupt of nvme d2 (70) goes to CPU 2 of RT VMs",
    ),
    (
        WARNING,
        None,
        None,
        "2 managed interrupts of nvme d1 (60-61) go to CPUs 1-2 of RT VMs",
    ),
)


def balanced(banned: str | None) -> Services:
    """Irqbalance runs with this list."""
    settings = None if banned is None else cpus(banned)
    return Services(
        irqbalance=Irqbalance(is_running=True, banned=settings, file="/etc/default/irqbalance"),
        tuned_profile=None,
    )


case(
    "KR206 no ban",
    of(rt(1, "1-2")),
    host(services=balanced(None)),
    (
        WARNING,
        None,
        None,
        "irqbalance is running and may move interrupts to CPUs 1-2,9-10 of RT VMs within seconds",
    ),
)
case(
    "KR206 a ban of other CPUs",
    of(rt(1, "1-2")),
    host(services=balanced("2-5,10")),
    (
        WARNING,
        None,
        None,
        "irqbalance is running and may move interrupts to CPUs 1,9 of RT VMs within seconds",
    ),
)
case("KR206 a ban", of(rt(1, "1-2")), host(services=balanced("1-2,9-10")))
case(
    "KR206 boot isolation is banned by itself",
    of(rt(1, "1-2")),
    host(services=balanced(None), kernel=make_kernel(isolated=cpus("1-2"), nohz_full=cpus("9-10"))),
)
TUNED = Services(irqbalance=Irqbalance(is_running=False, banned=None), tuned_profile="realtime")
MANAGED = {"irqbalance": IrqbalancePolicy.MANAGED}
UNTOLD = Irqbalance(is_running=True, banned=None, file="/etc/default/irqbalance")
case(
    "KR223 no socket",
    of(rt(1, "1-2"), **MANAGED),
    host(services=Services(irqbalance=UNTOLD, tuned_profile=None)),
    (WARNING, None, 2, "irqbalance cannot be told everything: its socket does not answer"),
)
case(
    "KR223 no settings",
    of(rt(1, "1-2"), **MANAGED),
    host(
        services=Services(
            irqbalance=Irqbalance(is_running=True, banned=None, live=EMPTY), tuned_profile=None
        )
    ),
    (WARNING, None, 2, "irqbalance cannot be told everything: its settings are not known"),
)
case(
    "KR223 both",
    of(rt(1, "1-2"), **MANAGED),
    host(services=Services(irqbalance=replace(UNTOLD, live=EMPTY), tuned_profile=None)),
)
case(
    "KR207 a profile",
    of(rt(1, "1-2")),
    host(services=TUNED),
    (WARNING, None, None, "TuneD is active with the profile realtime"),
)
case("KR207 no RT VM", of(vm(1, "1-2")), host(services=TUNED))
GENERIC = make_kernel(is_realtime=False, release="6.1.0-28-amd64")
case(
    "KR208 a generic kernel",
    of(rt(1, "1-2")),
    host(kernel=GENERIC),
    (WARNING, None, None, "the kernel 6.1.0-28-amd64 is neither PREEMPT_RT nor RedHawk"),
)
case("KR208 no RT VM", of(vm(1, "1-2")), host(kernel=GENERIC))

#: vm1 runs, and nobody has cleared its CPUs.
