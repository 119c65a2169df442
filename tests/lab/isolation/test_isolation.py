# SPDX-License-Identifier: Apache-2.0
"""What still runs on the CPUs of an RT guest, by counts: the same load on an untouched host, with TuneD, and
with kvmrt, at run time. Prints the table of docs/isolation.md.
"""

from __future__ import annotations

import os
import sys

import pytest
from lab.isolation.boots import count_all
from lab.isolation.causes import unexplained
from lab.isolation.table import events, sums, table
from lab.kernel import LabMissingError

pytestmark = [pytest.mark.lab, pytest.mark.slow]

STATES = ["kvmrt", "kvmrt, guest runs"]
BOOT = "stock"
#: What belongs to nobody but the host and could be elsewhere.
FOREIGN = ("user", "unbound", "movable", "managed")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    try:
        counted = count_all(tmp_path_factory.mktemp("isolation"), boots=[BOOT])
    except LabMissingError as error:
        if os.environ.get("KVMRT_LAB_REQUIRED"):
            raise
        pytest.skip(f"the lab needs {error}")
    parts = [table(counted), *(events(counted, BOOT, state) for state in STATES)]
    sys.stdout.write("\n\n".join(["", *parts, ""]))
    return counted


def test_the_load_disturbs_an_untouched_host_in_every_column(outcome):
    """A count that sees nothing here would prove nothing below."""
    row = sums(outcome, BOOT, "untouched")
    assert [name for name, number in row.items() if not number] == ["guest"]
    assert row["user"] > 100


@pytest.mark.parametrize("state", STATES)
def test_nothing_of_the_host_that_can_be_moved_is_left(outcome, state):
    row = sums(outcome, BOOT, state)
    assert {name: row[name] for name in FOREIGN} == dict.fromkeys(FOREIGN, 0)


@pytest.mark.parametrize("state", STATES)
def test_every_remaining_event_has_a_known_cause(outcome, state):
    assert unexplained(outcome.states[BOOT, state]) == {}


def test_no_column_has_more_than_with_tuned(outcome):
    ours, theirs = sums(outcome, BOOT, "kvmrt"), sums(outcome, BOOT, "TuneD")
    assert {name: (n, theirs[name]) for name, n in ours.items() if n > theirs[name]} == {}


def test_the_guest_runs_on_its_cpus(outcome):
    ran = {state: bool(sums(outcome, BOOT, state)["guest"]) for state in STATES}
    assert ran == {"kvmrt": False, "kvmrt, guest runs": True}
