# SPDX-License-Identifier: Apache-2.0
"""What a check says of a configuration, its snapshot, its allowances, and of hosts together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from kvmrt_plan.desired.allowance import Allowance
from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.diagnostics import Source
from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.fleet.check import Terms, check_alone, check_on_host
from kvmrt_plan.fleet.report import make_report

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
TERMS = Terms(now=NOW, limit_days=30)
WELD = "2c1b7c1e-5a54-4b0e-8f53-7d0f1a9e0011"
LOG = "2c1b7c1e-5a54-4b0e-8f53-7d0f1a9e0012"
TEXT = f"""\
vms:
  weld-rt:
    uuid: {WELD}
    nr_vcpus: 2
    cpuset: 5-7
    rt: true
  weld-log:
    uuid: {LOG}
    nr_vcpus: 2
    cpuset: 0-1
host:
  shield: allowed-cpus
"""


@pytest.fixture(scope="module")
def snapshot(repository):
    return load_snapshot((repository / "examples/fleet/weld.json").read_bytes(), file="weld.json")


def configuration(text=TEXT, file="weld.yaml"):
    made, findings = load_configuration(text.encode(), file=file)
    assert findings == ()
    return made


def told(checked):
    return [(one.code, str(one.severity), str(one.source)) for one in checked.findings]


def on_host(snapshot, text=TEXT, terms=TERMS):
    return check_on_host(configuration(text), snapshot, terms, path="weld.json")


def test_a_check_has_the_findings_and_changes_of_a_plan(snapshot):
    checked = on_host(snapshot)

    assert told(checked) == [
        ("KR134", "warning", "weld.yaml:6"),
        ("KR139", "warning", "weld.yaml:5"),
        ("KR128", "advice", "weld.yaml:10"),
        ("KR209", "advice", "weld.yaml:5"),
        ("KR211", "advice", "weld.yaml:12"),
    ]
    assert (checked.host, checked.age_seconds, str(checked.rt_cpus)) == (
        "weld", 4 * 3600, "5-7,13-15",
    )  # fmt: skip
    assert checked.changes == len(checked.plan.actions) > 0


def test_strict_makes_warnings_errors_but_not_advice_and_keeps_the_plan(snapshot):
    checked = on_host(snapshot, terms=replace(TERMS, is_strict=True))

    assert [one[1] for one in told(checked)] == ["error", "error", "advice", "advice", "advice"]
    assert checked.changes


@pytest.mark.parametrize(
    ("captured", "expected"),
    [
        ("2026-10-24T10:00:00Z", []),
        ("2026-10-23T10:00:00Z", [("KR306", "warning", "weld.json")]),
        ("2026-11-23T10:04:00Z", []),
        ("2026-11-23T11:00:00Z", [("KR307", "warning", "weld.json")]),
        ("2026-11-23T06:00:00", []),
        ("yesterday", [("KR307", "warning", "weld.json")]),
        ("", [("KR307", "warning", "weld.json")]),
    ],
)
def test_an_old_or_undated_snapshot_is_a_finding(snapshot, captured, expected):
    checked = on_host(replace(snapshot, captured=captured))

    assert [one for one in told(checked) if one[0] > "KR3"] == expected


def test_without_a_limit_no_snapshot_is_too_old(snapshot):
    old = replace(snapshot, captured="1999-01-01T00:00:00Z")

    checked = on_host(old, terms=replace(TERMS, limit_days=None))

    assert "KR306" not in {one.code for one in checked.findings}


def test_a_snapshot_that_no_kernel_gave_is_an_error(snapshot):
    files = {**snapshot.files, "/sys/devices/system/cpu/present": "many\n"}

    checked = on_host(replace(snapshot, files=files))

    assert told(checked) == [("KR308", "error", "weld.json")]
    assert checked.changes is None


def test_a_configuration_without_a_host_says_so_unless_that_is_meant():
    assert ("KR305", "warning", "weld.yaml") in told(check_alone(configuration(), TERMS))
    alone = check_alone(configuration(), replace(TERMS, has_no_hosts=True))
    assert "KR305" not in {one.code for one in alone.findings}
    assert str(alone.rt_cpus) == "5-7"


ALLOWANCES = [
    ("{code: KR134, reason: known}", ["KR139", "KR128", "KR209", "KR211"], ["KR134"]),
    ("{code: KR134, reason: known, vm: weld-rt}", ["KR139", "KR128", "KR209", "KR211"], ["KR134"]),
    (
        "{code: KR134, reason: known, until: 2026-11-23}",
        ["KR139", "KR128", "KR209", "KR211"],
        ["KR134"],
    ),
    (
        "{code: KR134, reason: known, until: 2026-11-22}",
        ["KR134", "KR139", "KR301", "KR128", "KR209", "KR211"],
        [],
    ),
    (
        "{code: KR134, reason: known, vm: weld-log}",
        ["KR134", "KR139", "KR128", "KR209", "KR211", "KR302"],
        [],
    ),
    ("{code: KR999, reason: known}", ["KR134", "KR139", "KR303", "KR128", "KR209", "KR211"], []),
    ("{code: KR105, reason: known}", ["KR134", "KR139", "KR128", "KR209", "KR211", "KR302"], []),
]


@pytest.mark.parametrize(("allowance", "left", "allowed"), ALLOWANCES)
def test_an_allowance_takes_what_it_names_or_is_named_itself(snapshot, allowance, left, allowed):
    checked = on_host(snapshot, f"{TEXT}allow:\n  - {allowance}\n")
    [one] = make_report([checked], is_strict=False).checked

    assert [finding.code for finding in one.findings] == left
    assert [(a.finding.code, a.reason, str(a.source)) for a in one.allowed] == [
        (code, "known", "weld.yaml:14") for code in allowed
    ]


def test_an_allowed_warning_passes_a_strict_check(snapshot):
    terms = replace(TERMS, is_strict=True)

    allowed = "{code: KR134, reason: known}, {code: KR139, reason: known}"
    checked = on_host(snapshot, f"{TEXT}allow: [{allowed}]\n", terms)

    assert not checked.is_errored


def test_an_error_cannot_be_allowed(snapshot):
    text = TEXT.replace("0-1", "5,6") + "allow: [{code: KR102, reason: known}]\n"

    checked = on_host(snapshot, text)

    assert {"KR102", "KR304"} <= {one.code for one in checked.findings}
    assert checked.allowed == ()


def test_an_allowance_of_the_command_line_may_meet_nothing(snapshot):
    mine = (Allowance(code="KR105", reason="known"), Allowance(code="KR134", reason="known"))

    checked = on_host(snapshot, terms=replace(TERMS, allowances=mine))

    assert [one.code for one in checked.findings] == ["KR139", "KR128", "KR209", "KR211"]
    assert checked.idle == ()


def test_an_allowance_that_one_of_two_hosts_needs_is_no_finding(snapshot):
    text = f"{TEXT}allow: [{{code: KR134, reason: known}}]\n"
    resting = replace(
        snapshot,
        name="other",
        libvirt=replace(
            snapshot.libvirt,
            domains=tuple(
                replace(one, state="shut off", live_xml="") for one in snapshot.libvirt.domains
            ),
        ),
    )
    pair = [
        check_on_host(configuration(text), snapshot, TERMS, path="a.json"),
        check_on_host(configuration(text), resting, TERMS, path="b.json"),
    ]

    report = make_report(pair, is_strict=False)

    assert [bool(one.idle) for one in report.checked] == [False, True]
    assert "KR302" not in {one.code for each in report.checked for one in each.findings}


def test_a_uuid_on_two_hosts_is_a_finding_on_both(snapshot):
    other = check_on_host(
        configuration(file="other.yaml"), replace(snapshot, name="other"), TERMS, path="o.json"
    )

    report = make_report([on_host(snapshot), other], is_strict=True)

    assert [
        (str(one.source), str(one.severity))
        for each in report.checked
        for one in each.findings
        if one.code == "KR309"
    ] == [
        ("other.yaml:3", "error"),
        ("other.yaml:8", "error"),
        ("weld.yaml:3", "error"),
        ("weld.yaml:8", "error"),
    ]


def test_two_files_of_one_host_may_have_the_same_vms(snapshot):
    twin = check_on_host(configuration(file="twin.yaml"), snapshot, TERMS, path="weld.json")

    report = make_report([on_host(snapshot), twin], is_strict=False)

    assert "KR309" not in {one.code for each in report.checked for one in each.findings}


def test_an_allowance_remembers_its_line_and_day():
    made = configuration(f"{TEXT}allow:\n  - {{code: KR105, reason: a, until: '2027-01-02'}}\n")

    assert made.allow == (Allowance(code="KR105", reason="a", until=date(2027, 1, 2)),)
    assert made.allow[0].source == Source("weld.yaml", 14)
