# SPDX-License-Identifier: Apache-2.0
"""A plugin for pytest: a team's own rules, asserted on plans (docs/checks.md).

`kvmrt_plan` is the plan of a configuration on its host, `kvmrt_host` the facts of that host,
`kvmrt_configuration` what the configuration asks. A test that takes any of them runs once for each
configuration and snapshot that `--kvmrt` or `kvmrt_paths` names.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from kvmrt_plan.desired.model import Configuration
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.plan.action import Plan

_FIXTURES = frozenset({"kvmrt_plan", "kvmrt_host", "kvmrt_configuration"})


class Pairing(NamedTuple):
    """A configuration with one snapshot; None: there is none."""

    configuration: str
    snapshot: str | None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which configurations, and which snapshots."""
    group = parser.getgroup("kvmrt", "rules about plans of kvmrt")
    group.addoption(
        "--kvmrt",
        action="append",
        default=[],
        metavar="PATH",
        help="a configuration, or a folder with them; may be repeated",
    )
    group.addoption(
        "--kvmrt-host",
        action="append",
        default=[],
        metavar="SNAPSHOT",
        help="a snapshot, or a folder with them (default: the one beside the configuration)",
    )
    parser.addini("kvmrt_paths", "configurations, or folders with them", type="args", default=[])
    parser.addini("kvmrt_hosts", "snapshots, or folders with them", type="args", default=[])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each configuration and host."""
    if _FIXTURES.isdisjoint(metafunc.fixturenames):
        return
    pairings = _pairings(metafunc.config)
    metafunc.parametrize(
        "kvmrt_pairing", pairings, ids=[_id(one) for one in pairings], indirect=True
    )


@pytest.fixture
def kvmrt_pairing(request: pytest.FixtureRequest) -> Pairing:
    """The files that the test is about."""
    pairing: Pairing = request.param
    return pairing


@pytest.fixture
def kvmrt_configuration(kvmrt_pairing: Pairing) -> Configuration:
    """The configuration; a test with one that cannot be used fails with its findings."""
    from kvmrt_plan.desired.load import MAX_CONFIGURATION_BYTES, load_configuration
    from kvmrt_plan.hosts.files import read_document
    from kvmrt_plan.views.findings import finding_lines
    from kvmrt_plan.views.terminal import Painter

    file = kvmrt_pairing.configuration
    content = read_document(file, limit_bytes=MAX_CONFIGURATION_BYTES)
    configuration, findings = load_configuration(content, file=file)
    if configuration is None:
        pytest.fail(
            "\n".join(finding_lines(findings, 100, Painter(is_coloured=False))), pytrace=False
        )
    return configuration


@pytest.fixture
def kvmrt_host(kvmrt_pairing: Pairing) -> HostFacts:
    """The facts of the host."""
    from kvmrt_plan.cli.host import read_simulated
    from kvmrt_plan.facts.gather import gather_facts

    if kvmrt_pairing.snapshot is None:
        pytest.fail(
            f"there is no snapshot for {kvmrt_pairing.configuration}: put one beside it (.json), or "
            "name it with --kvmrt-host",
            pytrace=False,
        )
    return gather_facts(read_simulated(kvmrt_pairing.snapshot))


@pytest.fixture
def kvmrt_plan(kvmrt_configuration: Configuration, kvmrt_host: HostFacts) -> Plan:
    """The plan; it has no actions where an error is among its findings."""
    from kvmrt_plan.pipeline import plan_facts
    from kvmrt_plan.plan.goal import Goal

    return plan_facts(Goal(configuration=kvmrt_configuration), kvmrt_host)


def _pairings(config: pytest.Config) -> list[Pairing]:
    from kvmrt_plan.cli.check_files import find_pairs
    from kvmrt_plan.errors import UsageError

    paths = config.getoption("--kvmrt") or _from_file(config, "kvmrt_paths")
    hosts = config.getoption("--kvmrt-host") or _from_file(config, "kvmrt_hosts")
    if not paths:
        raise pytest.UsageError("which configuration? name one with --kvmrt PATH or kvmrt_paths")
    try:
        pairs = find_pairs(paths, hosts, is_alone=False)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error
    return [
        Pairing(configuration=file, snapshot=snapshot)
        for file, snapshots in pairs
        for snapshot in snapshots or (None,)
    ]


def _from_file(config: pytest.Config, name: str) -> list[str]:
    """Paths of pytest's own configuration count from where that file is."""
    return [os.path.join(config.rootpath, path) for path in config.getini(name)]


def _id(one: Pairing) -> str:
    name = os.path.splitext(os.path.basename(one.configuration))[0]
    host = os.path.splitext(os.path.basename(one.snapshot or ""))[0]
    return name if host in ("", name) else f"{name}-{host}"
