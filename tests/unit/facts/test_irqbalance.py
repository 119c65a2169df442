# SPDX-License-Identifier: Apache-2.0
"""irqbalance's settings with and without what kvmrt adds, and what its socket answers."""

from __future__ import annotations

import pytest
from facts_builders import cpus

from kvmrt_plan.facts.irqbalance import banned_cpus, parse_answer, with_ban, without_kvmrt

OF_DEBIAN = "# a comment\n#IRQBALANCE_BANNED_CPULIST=\n#IRQBALANCE_ARGS=\n"
MASKED = "IRQBALANCE_BANNED_CPUS=f0\nexport IRQBALANCE_BANNED_CPULIST=1\nIRQBALANCE_ARGS=-j"
MARK = "# kvmrt: CPUs of real-time VMs; kvmrt takes this out again when none needs them\n"


def test_the_ban_stands_on_top_and_what_speaks_against_it_is_a_comment():
    assert with_ban(MASKED, cpus("4-9")) == (
        f"{MARK}IRQBALANCE_BANNED_CPULIST=4-9\n"
        "#kvmrt# IRQBALANCE_BANNED_CPUS=f0\n"
        "#kvmrt# export IRQBALANCE_BANNED_CPULIST=1\n"
        "IRQBALANCE_ARGS=-j"
    )


@pytest.mark.parametrize("text", ["", OF_DEBIAN, MASKED, "IRQBALANCE_BANNED_CPULIST=2", None])
def test_taking_the_ban_out_gives_the_file_as_it_was_byte_for_byte(text):
    before = banned_cpus(text or "") or cpus("")
    once = with_ban(text, cpus("4-9"))
    twice = with_ban(once, cpus("4-12"))

    assert banned_cpus(twice or "") == cpus("4-12")
    assert without_kvmrt(twice) == text
    assert with_ban(twice, before) == text


def test_a_file_that_kvmrt_made_stays_when_somebody_has_added_to_it():
    made = with_ban(None, cpus("4"))

    assert made is not None
    assert with_ban(made + "IRQBALANCE_ARGS=-j\n", cpus("")) == "IRQBALANCE_ARGS=-j\n"


@pytest.mark.parametrize(
    ("text", "banned"),
    [
        (MASKED, "4-7"),
        ('IRQBALANCE_BANNED_CPUS="0xff,00000000"', "32-39"),
        ("IRQBALANCE_BANNED_CPULIST='1,3-4'", "1,3-4"),
        (OF_DEBIAN, None),
        ("IRQBALANCE_BANNED_CPULIST=some", None),
    ],
)
def test_the_mask_wins_over_the_list(text, banned):
    assert banned_cpus(text) == (None if banned is None else cpus(banned))


@pytest.mark.parametrize(
    ("answer", "banned"),
    [
        ("SLEEP 10 BANNED 00000000,000000f0", "4-7"),
        ("SLEEP 10 IRQ 24 LOAD 0 DIFF 0 CLASS 0 BANNED 0", ""),
        ("", None),
        ("SLEEP 10", None),
    ],
)
def test_the_daemon_says_what_it_leaves_alone(answer, banned):
    assert parse_answer(answer) == (None if banned is None else cpus(banned))
