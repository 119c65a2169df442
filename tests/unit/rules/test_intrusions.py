# SPDX-License-Identifier: Apache-2.0
"""What can still interrupt some CPUs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from facts_builders import WORKQUEUE_MASK, Shape, cpus, make_host, make_irq, make_topology

from kvmrt_plan.facts.task import Task
from kvmrt_plan.facts.workqueue import Workqueue
from kvmrt_plan.rules.intrusion import Intrusion
from kvmrt_plan.rules.intrusions import Intrusions, find_intrusions
from kvmrt_plan.views.intrusions import intrusions_document, render_intrusions

if TYPE_CHECKING:
    from kvmrt_plan.facts.host import HostFacts

QUIET_KNOBS = {"sysctl/kernel.watchdog_cpumask": "0-1", "sysctl/kernel.sched_rt_runtime_us": "-1"}


def quiet(**changes: object) -> HostFacts:
    """A host of which nothing disturbs any CPU but 0 and 1."""
    host = make_host()
    kernel = replace(host.kernel, nohz_full=host.cpus.present - cpus("0-1"), command_line="")
    made = replace(
        host,
        kernel=kernel,
        irqs={},
        default_irq_affinity=cpus("0-1"),
        workqueue=Workqueue(masks=((WORKQUEUE_MASK, cpus("0-1")),)),
        knobs=QUIET_KNOBS,
    )
    return replace(made, **changes)


def task(tid: int, name: str, affinity: str, **values: object) -> Task:
    """A thread of its own process, unless told."""
    made = Task(
        pid=tid, tid=tid, name=name, policy="SCHED_OTHER", priority=0, affinity=cpus(affinity),
        last_cpu=0, is_kernel=False, is_movable=True,
    )  # fmt: skip
    return made.replace(**values)


def core(host: HostFacts) -> str:
    """All hardware threads of CPU 2's core, as a list."""
    return str(host.cpus.siblings_of(2))


def found(host: HostFacts, *tasks: Task) -> list[tuple[str, str, str]]:
    """Cause, summary and remedy of what disturbs the core of CPU 2."""
    intrusions = find_intrusions(host, tasks, cpus(core(host)), are_all_tasks=True)
    return [(one.cause, one.summary, one.remedy) for one in intrusions.found]


def numbers(host: HostFacts, *tasks: Task) -> dict[str, list[int]]:
    """The subjects by the beginning of the summary."""
    intrusions = find_intrusions(host, tasks, cpus(core(host)), are_all_tasks=True)
    return {
        one.summary.partition(":")[0]: [number for number, _ in one.subjects]
        for one in intrusions.found
    }


def test_nothing_disturbs_cpus_that_are_left_alone() -> None:
    host = quiet(irqs={24: make_irq(24, "0-1")})
    assert found(host, task(5, "sshd", "0-1")) == []


def test_tasks_are_told_apart_by_what_can_be_done() -> None:
    kernel = {"is_kernel": True}
    assert numbers(
        quiet(),
        task(1, "systemd", "0-7"),
        task(9, "rcu_preempt", "0-7", **kernel),
        task(12, "irq/24-eth0", "2", **kernel),
        task(20, "ksoftirqd/2", "2", **kernel, is_movable=False),
        task(21, "ksoftirqd/1", "1", **kernel, is_movable=False),
    ) == {
        "allowed there": [1],
        "allowed there, movable": [9],
        "of interrupts": [12],
        "bound there": [20],
    }


def test_the_guest_that_owns_the_cpus_is_no_intrusion() -> None:
    tasks = [
        task(800, "qemu-system-x86", "2"),
        task(801, "CPU 0/KVM", "2", pid=800),
        task(802, "worker", "0-7", pid=800),
        task(803, "vhost-800", "2", is_kernel=True),
        task(804, "kvm-pit/800", "0-7", is_kernel=True),
        task(900, "qemu-system-x86", "0-7"),
    ]
    assert numbers(quiet(), *tasks) == {
        "allowed there": [802, 900],
        "allowed there, movable": [804],
    }


def test_interrupts_are_told_apart_by_what_can_be_done() -> None:
    irqs = [
        make_irq(1, "2"),
        make_irq(2, "0-7", effective=cpus("0")),
        make_irq(3, "2", is_managed=True),
        make_irq(4, "0-7", is_movable=False),
        make_irq(5, "0-1"),
        make_irq(6, "0").replace(affinity=None, effective=None),
    ]
    assert numbers(quiet(irqs={irq.number: irq for irq in irqs})) == {
        "going there now": [1],
        "allowed there": [2],
        "managed": [3],
        "fixed": [4],
        "of which /proc/irq/N/smp_affinity_list is not known": [6],
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"default_irq_affinity": cpus("0-2")},
            (
                "interrupts",
                "requested later may go there: the default affinity is 0-2",
                "echo 3 > /proc/irq/default_smp_affinity",
            ),
        ),
        (
            {"workqueue": Workqueue(masks=((WORKQUEUE_MASK, cpus("0-2")),))},
            (
                "unbound workqueues",
                f"may run on CPU 2: {WORKQUEUE_MASK} is 0-2",
                f"echo 3 > {WORKQUEUE_MASK}",
            ),
        ),
        (
            {"knobs": {**QUIET_KNOBS, "sysctl/kernel.sched_rt_runtime_us": "950000"}},
            (
                "throttling",
                "takes the CPU from real-time threads: sched_rt_runtime_us is 950000",
                "sysctl -w kernel.sched_rt_runtime_us=-1",
            ),
        ),
        (
            {"knobs": {"sysctl/kernel.sched_rt_runtime_us": "-1"}},
            ("watchdog", "not known: there is no /proc/sys/kernel/watchdog_cpumask", ""),
        ),
    ],
)
def test_each_cause_names_its_knob(
    changes: dict[str, object], expected: tuple[str, str, str]
) -> None:
    assert found(quiet(**changes)) == [expected]


def test_tick_and_callbacks_stay_without_boot_arguments() -> None:
    host = quiet()
    host = replace(host, kernel=replace(host.kernel, nohz_full=cpus("")))
    whole = core(host)
    assert found(host) == [
        (
            "timer tick",
            f"comes 100 to 1000 times per second on CPU {whole}, which nohz_full lacks",
            f"boot argument nohz_full={whole}",
        ),
        (
            "RCU callbacks",
            f"run in soft interrupts or rcuc threads of CPU {whole}, which rcu_nocbs lacks",
            f"boot argument rcu_nocbs={whole}",
        ),
    ]


def test_siblings_that_are_online_share_the_core() -> None:
    host = quiet(cpus=make_topology(Shape(sockets=1, cores=4, threads=2, nodes=1)))
    sibling = 6
    intrusions = find_intrusions(host, [], cpus("2"), are_all_tasks=True)
    assert intrusions.found == (
        Intrusion(
            cause="hardware threads",
            summary=f"CPU {sibling} is online and shares the core of CPU 2",
            remedy=f"echo 0 > /sys/devices/system/cpu/cpu{sibling}/online",
        ),
    )


def test_a_snapshot_says_that_it_knows_no_other_tasks() -> None:
    host = quiet()
    intrusions = find_intrusions(host, [], cpus(core(host)), are_all_tasks=False)
    assert intrusions.found == (Intrusion.not_known("tasks", "what runs besides QEMU"),)


def test_long_lists_are_grouped_and_the_document_has_all() -> None:
    subjects = ((1, "kworker/2:0"), (2, "kworker/2:1\x1b"), (3, "bash"), (4, "bash"))
    intrusions = Intrusions(
        cpus=cpus("2"),
        offline=cpus("3"),
        others=cpus("0"),
        found=(Intrusion(cause="tasks", summary="there", remedy="do it", subjects=subjects),),
    )
    assert render_intrusions(intrusions, width=80) == (
        "CPU 3 is offline: nothing runs there\n"
        "What can still interrupt CPU 2\n\n"
        "tasks\n  4 there\n      bash (2), kworker/* (2)\n    removed by: do it\n"
    )
    causes = intrusions_document(intrusions)["causes"]
    assert [(one["number"], one["name"]) for one in causes[0]["subjects"]] == list(subjects)
