# SPDX-License-Identifier: Apache-2.0
"""Counts and rates of /proc/interrupts."""

from __future__ import annotations

import pytest

from kvmrt_plan.facts.interrupt_counts import NO_COUNTS, InterruptCounts, parse_counts, rates

TABLE = """\
            CPU0       CPU2
  24:          5          0  PCI-MSI 81920-edge      ahci
 LOC:        100        200   Local timer interrupts
 ERR:          7
"""


def test_rows_have_a_count_per_cpu() -> None:
    assert parse_counts(TABLE) == InterruptCounts(
        cpus=(0, 2),
        rows={"24": (5, 0), "LOC": (100, 200)},
        names={"LOC": "Local timer interrupts"},
    )


@pytest.mark.parametrize("text", ["", "\n 24:  PCI-MSI 81920-edge  ahci\n", "  A B\n 1: 2 3 x\n"])
def test_a_table_without_columns_has_no_counts(text: str) -> None:
    assert parse_counts(text) == NO_COUNTS


def test_rates_are_per_second_and_survive_the_wrap() -> None:
    before = InterruptCounts(cpus=(0, 1), rows={"24": (10, 2**32 - 1), "25": (1, 1)}, names={})
    after = InterruptCounts(cpus=(0, 1), rows={"24": (30, 1), "26": (5, 5)}, names={})
    assert rates(before, after, 2.0) == {"24": (10.0, 1.0)}


def test_there_are_no_rates_when_a_cpu_went_in_between() -> None:
    before = InterruptCounts(cpus=(0, 1), rows={"24": (10, 0)}, names={})
    after = InterruptCounts(cpus=(0,), rows={"24": (30,)}, names={})
    assert rates(before, after, 1.0) == {}
