# SPDX-License-Identifier: Apache-2.0
"""The plans of tests/cases/plans, made from what stands there."""

from __future__ import annotations

from pathlib import Path

from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.plan.goal import Goal

CASES = Path(__file__).resolve().parent / "cases" / "plans"
EXAMPLES = CASES.parents[2] / "examples"
NAMES = sorted(path.name for path in CASES.iterdir())


def plan_of(name):
    folder = CASES / name
    (desired,) = folder.glob("desired.*")
    host = EXAMPLES / (folder / "host").read_text(encoding="utf-8").strip()
    content = desired.read_bytes()
    configuration, findings = load_configuration(content, file=desired.name)
    assert configuration is not None, findings
    snapshot = load_snapshot(host.read_bytes(), file=host.name)
    goal = Goal(configuration=configuration, findings=findings)
    return plan_host(goal, snapshot), content
