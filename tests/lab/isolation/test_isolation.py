# SPDX-License-Identifier: Apache-2.0
"""What still runs on the CPUs of an RT guest, by counts: the same load on an untouched host, with TuneD, and
with kvmrt, each at run time and with its boot arguments. Prints the table of docs/isolation.md.
"""

from __future__ import annotations

import os
import sys

import pytest
from lab.isolation.boots import count_all
from lab.isolation.causes import stragglers, unexplained
from lab.isolation.table import events, sums, table
from lab.kernel import LabMissingError

pytestmark = [pytest.mark.lab, pytest.mark.slow]

KVMRT = [("stock", "kvmrt"), ("stock", "kvmrt, guest runs"),
         ("kvmrt", "kvmrt"), ("kvmrt", "kvmrt, guest runs")]  # fmt: skip
#: What belongs to nobody but the host and could be elsewhere.
FOREIGN = ("user", "unbound", "movable", "managed")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    try:
        counted = count_all(tmp_path_factory.mktemp("isolation"))
    except LabMissingError as error:
        if os.environ.get("KVMRT_LAB_REQUIRED"):
            raise
        pytest.skip(f"the lab needs {error}")
    parts = [table(counted), *(events(counted, boot, state) for boot, state in KVMRT)]
    sys.stdout.write("\n\n".join(["", *parts, ""]))
    return counted


def test_the_load_disturbs_an_untouched_host_in_every_column(outcome):
    """A count that sees nothing here would prove nothing below."""
    row = sums(outcome, "stock", "untouched")
    assert [name for name, number in row.items() if not number] == ["guest"]
    assert row["user"] > 100


@pytest.mark.parametrize(("boot", "state"), KVMRT)
def test_nothing_of_the_host_that_can_be_moved_is_left(outcome, boot, state):
    row = sums(outcome, boot, state)
    assert {name: row[name] for name in FOREIGN} == dict.fromkeys(FOREIGN, 0)


@pytest.mark.parametrize(("boot", "state"), KVMRT)
def test_every_remaining_event_has_a_known_cause(outcome, boot, state):
    assert unexplained(outcome.states[boot, state]) == {}


@pytest.mark.parametrize(("boot", "others"), [("stock", "stock"), ("kvmrt", "tuned")])
def test_no_column_has_more_than_with_tuned(outcome, boot, others):
    ours, theirs = sums(outcome, boot, "kvmrt"), sums(outcome, others, "TuneD")
    # Items that were begun before the CPUs were taken go on where they are; which ones is chance, under both.
    ours["work"] -= stragglers(outcome.states[boot, "kvmrt"])
    assert {name: (n, theirs[name]) for name, n in ours.items() if n > theirs[name]} == {}


def test_the_guest_runs_on_its_cpus(outcome):
    for boot, state in KVMRT:
        assert bool(sums(outcome, boot, state)["guest"]) is state.endswith("guest runs")
