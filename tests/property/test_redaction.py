# SPDX-License-Identifier: Apache-2.0
"""A plan of a redacted host is the plan of the host, but for names that were replaced."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from domain_corpus import is_domain, read_corpus
from hosts_generator import make_pair
from hypothesis import given, settings
from hypothesis import strategies as st

from kvmrt_plan.changes.importing import import_domains
from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.desired.model import Configuration
from kvmrt_plan.domainxml.document import parse_domain, read_settings
from kvmrt_plan.errors import DomainXmlError
from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.hosts.capture import capture_root
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.plan.document import plan_document
from kvmrt_plan.plan.goal import Goal
from kvmrt_plan.redaction.domain import redact_domain
from kvmrt_plan.redaction.redact import redact, replaced_names
from kvmrt_plan.redaction.words import Tally

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
UUID = "6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c01"


def document(goal, snapshot):
    """The plan's document, with the names that a redaction replaces replaced."""
    plan = plan_host(goal, snapshot)
    text = json.dumps(plan_document(plan, configuration=b"", with_unchanged=True))
    for old, new in replaced_names(snapshot).items():
        text = text.replace(old, new)
    found = json.loads(text)
    # Names and the boot's UUID are redacted, and the digest is of these as well.
    assert found.pop("host")
    assert found.pop("digest")
    return found


def assert_same_plan(goal, snapshot):
    assert document(goal, redact(snapshot)) == document(goal, snapshot)


@given(number=st.integers(min_value=0, max_value=100_000))
@settings(max_examples=40)
def test_generated_hosts_have_the_same_plan(number):
    pair = make_pair(number)

    assert_same_plan(pair.goal, pair.snapshot)


@pytest.mark.parametrize("name", ["two-socket.yaml", "two-socket.cfg", "further.yaml"])
def test_the_examples_have_the_same_plan(name):
    snapshot = load_snapshot((EXAMPLES / "two-socket.json").read_bytes(), file="two-socket.json")
    configuration, findings = load_configuration((EXAMPLES / name).read_bytes(), file=name)

    assert_same_plan(Goal(configuration=configuration, findings=findings), snapshot)


def test_captured_machines_have_the_same_plan(shared_data, tmp_path):
    # One of each collection: every host is the business of test_captured_hosts.py.
    firsts = [min(one.glob("*.tar.xz")) for one in sorted((shared_data / "hosts").iterdir())]
    for archive in firsts:
        folder = tmp_path / archive.parent.name
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        roots = [path.parent for path in folder.rglob("sys") if path.is_dir()]
        snapshot = capture_root(str(roots[0] if roots else folder), name="lab-7", captured="now")
        text = f"vms:\n  x: {{uuid: {UUID}, cpuset: 1-2, rt: true}}\n"
        configuration, findings = load_configuration(text.encode(), file="x.yaml")

        assert_same_plan(Goal(configuration=configuration, findings=findings), snapshot)


def test_domains_of_others_keep_their_settings(shared_data):
    count = 0
    for text in read_corpus(shared_data).values():
        if not is_domain(text):
            continue
        try:
            before = read_settings(parse_domain(text, domain="x"))
        except DomainXmlError:
            continue
        after = redact_domain(text, UUID, Tally())
        assert read_settings(parse_domain(after, domain="x")) == before
        count += 1

    assert count > 100


def test_an_import_from_a_redacted_host_is_the_same_file():
    snapshot = load_snapshot((EXAMPLES / "two-socket.json").read_bytes(), file="two-socket.json")

    def imported(snapshot):
        facts = gather_facts(snapshot)
        empty = Configuration(file="new.yaml")
        return import_domains("", empty, facts.domains.values(), facts, updates=False).text

    assert imported(redact(snapshot)) == imported(snapshot)
