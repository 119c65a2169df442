# SPDX-License-Identifier: Apache-2.0
"""The table of host checks as a whole: numbers, the page, and hosts that show next to nothing."""

from __future__ import annotations

import pytest

from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.facts.snapshot import Snapshot
from kvmrt_plan.hostchecks.check import HostView, Status
from kvmrt_plan.hostchecks.page import render_page
from kvmrt_plan.hostchecks.table import CHECKS, run_checks
from kvmrt_plan.hosts.capture import capture_live
from kvmrt_plan.hosts.simulated.storage import read_snapshot_file


def view_of(snapshot: Snapshot) -> HostView:
    return HostView(snapshot=snapshot, facts=gather_facts(snapshot))


def test_the_catalogue_of_checks_is_complete_and_each_number_is_used_once():
    assert [check.number for check in CHECKS] == list(range(1, 54))


def test_the_page_is_what_the_table_says(repository):
    page = (repository / "docs" / "host-checks.md").read_text(encoding="utf-8")

    assert page == render_page(CHECKS)


def test_a_host_that_shows_nothing_passes_nothing_that_it_cannot_know():
    results = run_checks(view_of(Snapshot(name="bare", captured="", files={})))
    told = {one.check.number: one.outcome for one in results if one.outcome.status != Status.SKIP}

    assert {number: (str(one.status), one.present) for number, one in told.items()} == {
        5: ("warn", "not known"),
        8: ("fail", "no cpusets"),
        12: ("pass", "no CPUs are isolated at boot"),
        19: ("pass", "1 hardware thread per core"),
        21: ("pass", "does not run"),
        32: ("pass", "none runs"),
        48: ("pass", "none"),
    }


@pytest.mark.parametrize("make", [capture_live])
def test_every_check_has_an_answer_on_this_machine(make):
    snapshot = make(captured="2026-11-23T00:00:00Z", with_checks=True)
    results = run_checks(HostView(snapshot=snapshot, facts=gather_facts(snapshot), is_live=True))

    assert [one.check for one in results] == list(CHECKS)
    assert all(one.outcome.present for one in results)


def test_what_is_wrong_has_a_wanted_value_and_a_remedy(repository):
    results = run_checks(view_of(read_snapshot_file(str(repository / "examples/two-socket.json"))))
    wrong = [one for one in results if one.outcome.status in (Status.WARN, Status.FAIL)]

    assert wrong
    assert all(one.outcome.wanted and one.remedy for one in wrong)
    assert not any(one.remedy for one in results if one not in wrong)


def test_an_xml_that_cannot_be_read_skips_the_checks_that_need_it(repository):
    snapshot = read_snapshot_file(str(repository / "examples/two-socket.json"))
    view = view_of(snapshot)
    domain = next(iter(view.facts.domains.values()))
    broken = {domain.uuid: type(domain)(**{**_fields(domain), "xml": "<domain"})}
    facts = type(view.facts)(**{**_fields(view.facts), "domains": broken})
    results = {
        one.check.number: one.outcome.status
        for one in run_checks(HostView(snapshot=snapshot, facts=facts))
    }

    assert {number: results[number] for number in (34, 38, 39)} == dict.fromkeys(
        (34, 38, 39), Status.SKIP
    )


def _fields(value):
    return {name: getattr(value, name) for name in value.__slots__}
