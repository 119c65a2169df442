# SPDX-License-Identifier: Apache-2.0
"""A plan as a page that a reviewer reads and signs: offline, printable, the same bytes for the same plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan import __version__
from kvmrt_plan.views.map_html import figures, page, safe, table
from kvmrt_plan.views.plan_text import GROUPS, summary_text, undo_text
from kvmrt_plan.views.plan_words import action_words, pending_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.plan.action import Plan
    from kvmrt_plan.views.map_model import HostMap


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the report is about, so that what is signed can be told from anything else."""

    #: The plan's file, and the digest in it, which `kvmrt apply` checks.
    plan_file: str
    plan_digest: str
    #: SHA-256 of the configuration that the plan carries.
    configuration_digest: str
    #: Versions of kvmrt and of the format that wrote the plan.
    planned_by: str
    format_version: str


def render_report(plan: Plan, maps: Sequence[HostMap], origin: Origin) -> str:
    """The page.

    Args:
        plan: made anew from the plan's configuration and its host, and found equal to the saved one.
        maps: the host before and after it.
        origin: files, digests and versions.
    """
    return page(
        f"Plan for host {plan.host.name}",
        [
            f"<p><strong>{safe(summary_text(plan))}</strong></p>",
            _facts(plan, origin),
            "<h2>The host before and after</h2>",
            *figures(maps),
            *_actions(plan),
            *_findings(plan),
            "<h2>Undo</h2>",
            f"<p>{safe(undo_text(plan.actions) or 'nothing to undo')}</p>",
            "<h2>Reviewed</h2>",
            table(("Name", "Date", "Signature"), [("\u00a0", "\u00a0", "\u00a0")] * 2),
        ],
    )


def _facts(plan: Plan, origin: Origin) -> str:
    scope = ", ".join(plan.narrowed_to) or "all VMs of the configuration"
    rows = (
        ("Host", plan.host.name),
        ("Kernel", plan.host.kernel),
        ("Facts taken", plan.host.captured),
        ("Scope", scope),
        ("Policies held after it", ", ".join(plan.holder_names) or "of no VM"),
        ("Configuration", plan.configuration),
        ("SHA-256 of the configuration", origin.configuration_digest),
        ("Plan", origin.plan_file),
        ("Digest of the plan", origin.plan_digest),
        ("Planned by", f"kvmrt {origin.planned_by}, plan format {origin.format_version}"),
        ("Report by", f"kvmrt {__version__}"),
    )
    return table(("What", "Value"), rows)


def _actions(plan: Plan) -> Iterator[str]:
    for activation, title in GROUPS:
        rows = []
        for action in plan.actions:
            if action.change.activation is activation:
                words = action_words(action)
                after = ", ".join(map(str, action.requires))
                rows.append(
                    (words.number, words.symbol, words.subject, words.value, words.reason,
                     str(action.change.disturbance), after)
                )  # fmt: skip
        if rows:
            yield f"<h2>{safe(title.capitalize())}</h2>"
            headings = ("No.", "", "What", "Change", "Because", "Disturbs", "After")
            yield table(headings, rows)
    if plan.pending:
        yield "<h2>Pending (written earlier, not yet in effect)</h2>"
        told = [pending_words(one) for one in plan.pending]
        yield table(("What", "State"), [(one.subject, one.value) for one in told])


def _findings(plan: Plan) -> Iterator[str]:
    yield "<h2>Findings</h2>"
    if not plan.findings:
        yield "<p>none</p>"
        return
    yield table(
        ("Code", "Severity", "What is the matter", "Detail", "What to do", "Where"),
        [
            (one.code, str(one.severity), one.summary, one.detail, one.remedy,
             str(one.source or ""))
            for one in plan.findings
        ],
    )  # fmt: skip
