# SPDX-License-Identifier: Apache-2.0
"""Every rule on a small case, and what holds for all of them."""

from __future__ import annotations

import time

import pytest
from facts_builders import (
    cpus,
    make_configuration,
    make_domain,
    make_host,
    make_kernel,
    make_slices,
    make_vm,
    uuid,
)
from rule_case import host, of, rt, vm
from rule_cases import CASES

from kvmrt_plan.diagnostics import Finding, Severity, Source
from kvmrt_plan.placement.place import place
from kvmrt_plan.rules.check import check


def found(case):
    """Findings of the case's code, as the table writes them."""
    return tuple(
        (str(one.severity), one.vm, one.source.line if one.source else None, one.summary)
        for one in check(case.configuration, case.host, None)
        if one.code == case.code
    )


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_rule_finds_what_breaks_it_and_nothing_else(case):
    assert found(case) == case.expected


def test_a_finding_tells_all_there_is_to_know():
    configuration = of(rt(1, "1-2,9", nr_vcpus=4))
    assert [one for one in check(configuration, host(), None) if one.code == "KR103"] == [
        Finding(
            code="KR103",
            severity=Severity.ERROR,
            summary="vm1: cpuset 1-2,9 has 2 usable CPUs, but 4 vCPUs and the emulator need 5",
            detail="CPU 9 is a sibling of CPUs 1-2; of every core one CPU is used and the others "
            "go offline",
            remedy="add 3 CPUs of other cores to cpuset, or lower nr_vcpus",
            source=Source("kvmrt.yaml", 101),
            vm="vm1",
        )
    ]


def test_irqbalance_gets_the_line_that_it_needs():
    case = next(one for one in CASES if one.name == "KR206 a ban of other CPUs")
    (finding,) = (one for one in check(case.configuration, case.host, None) if one.code == "KR206")
    assert "IRQBALANCE_BANNED_CPULIST=1-5,9-10 into /etc/default/irqbalance" in finding.remedy


def test_a_healthy_configuration_has_no_findings():
    configuration = of(rt(1, "1-3", nr_vcpus=2), vm(2, "4-6", nr_vcpus=2))
    fit = host(slices=make_slices(has_partitions=True), kernel=make_kernel(nohz_full=cpus("2-3")))
    assert check(configuration, fit, place(configuration, fit)) == ()
    assert check(configuration, None, None) == ()


def test_all_findings_are_collected_in_one_run_errors_first():
    configuration = of(rt(1, "", rt_memory=False), rt(2, "2-5", nr_vcpus=9), vm(3, "3,99"))
    assert [one.code for one in check(configuration, host(), None)] == [
        "KR101", "KR102", "KR103", "KR109", "KR110", "KR104", "KR105", "KR107", "KR211",
    ]  # fmt: skip


def test_every_finding_says_what_to_do():
    for case in CASES:
        for one in check(case.configuration, case.host, None):
            assert one.remedy, one
            assert not one.summary.endswith("."), one
            assert "\n" not in one.summary + one.detail + one.remedy, one


def test_the_order_of_the_vms_changes_no_finding():
    machines = [rt(1, "1-2"), rt(2, "5-6", numatune=cpus("0")), vm(3, "3"), vm(4)]
    straight = check(of(*machines), host(), None)
    assert check(of(*reversed(machines)), host(), None) == straight


def large(factor: int):
    """500 VMs on 1024 CPUs when the factor is 4."""
    width = 64 * factor
    vms = [
        make_vm(
            number,
            f"vm{number}",
            f"{number}-{number + 1}" if number % 2 else f"{width + number}",
            rt=number % 4 == 1,
        )
        for number in range(1, 125 * factor + 1)
    ]
    domains = [make_domain(number, f"vm{number}") for number in range(1, 125 * factor + 1)]
    built = make_host(
        sockets=8, cores=16 * factor, threads=2, nodes=8, domains=domains, memory_kib=1 << 32
    )
    return make_configuration(*vms), built


def test_a_large_host_is_checked_in_a_fraction_of_a_second():
    configuration, built = large(4)
    assert (len(configuration.vms), len(built.cpus.cpus), uuid(500) in built.domains) == (
        500, 1024, True,
    )  # fmt: skip
    placement = place(configuration, built)
    start = time.process_time()
    assert check(configuration, built, placement)
    assert time.process_time() - start < 0.45
