# SPDX-License-Identifier: Apache-2.0
"""RedHawk's assignments: kvmrt's line among those of others, and the restart of the service."""

from __future__ import annotations

import pytest

from kvmrt_plan.apply.owned_lines import read_lines, write_lines
from kvmrt_plan.apply.step import Step
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.facts.shield_file import SHIELD_FILE, parse_shield_file, shield_text
from kvmrt_plan.hosts.simulated.host import SimulatedHost
from kvmrt_plan.values.cpuset import CpuSet

GUIDE = """\
IRQ_ASSIGN+="0-4:enp4s0f0;"
IRQ_ASSIGN+="0,2:55; 0,2:60, 0,2:61;"
"""


def test_the_lines_of_the_guide_are_understood():
    pair = CpuSet((0, 2))
    assert parse_shield_file(GUIDE).foreign == (
        ("enp4s0f0", CpuSet(range(5))), ("55", pair), ("60", pair), ("61", pair),
    )  # fmt: skip


@pytest.mark.parametrize("before", [None, GUIDE, "# a comment\n", "# no end"])
def test_lines_of_others_survive_and_the_file_comes_back_byte_for_byte(before):
    text = shield_text(before, "0:enp4s0f0; 0,2:55")
    changed = shield_text(text, "1:77")
    assert [parse_shield_file(one).own for one in (text, changed)] == ["0:enp4s0f0; 0,2:55", "1:77"]
    assert parse_shield_file(changed).foreign == parse_shield_file(before).foreign
    assert shield_text(changed, "") == before


def step(old, new):
    return Step(1, Kind.SHIELD_ASSIGNMENTS, "shield/assignments", old, new)


@pytest.fixture
def redhawk(repository):
    return SimulatedHost(
        load_snapshot((repository / "examples/redhawk.json").read_bytes(), file="redhawk.json")
    )


def test_a_restarted_service_assigns_what_its_file_says(redhawk):
    write_lines(redhawk, step(None, "0,6-7:enp4s0f0"))
    assert read_lines(redhawk, step(None, None)) == "0,6-7:enp4s0f0"
    assert redhawk.read("/proc/irq/55/smp_affinity_list") == "0,6-7\n"


def test_without_the_service_the_write_is_refused(redhawk):
    del redhawk.texts.files["/proc/shield/irqs"]
    with pytest.raises(WriteRefusedError, match=r"Unit shield\.service not found"):
        write_lines(redhawk, step(None, "0:55"))


@pytest.mark.parametrize("value", ['0:55"; rm -rf /; "', "0:$(id)", "0:55\n"])
def test_nothing_that_means_something_to_a_shell_is_written(redhawk, value):
    before = redhawk.texts.files[SHIELD_FILE]
    with pytest.raises(WriteRefusedError, match="no list of assignments"):
        write_lines(redhawk, step(None, value))
    assert redhawk.texts.files[SHIELD_FILE] == before
