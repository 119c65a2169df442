# SPDX-License-Identifier: Apache-2.0
"""Finished runs as text and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.plan_words import told_value
from kvmrt_plan.views.terminal import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmrt_plan.apply.journal import Record


def history_lines(records: Sequence[Record], *, width: int) -> list[str]:
    """One line per run: id, who, what, how many values, how it ended."""
    if not records:
        return ["no runs: kvmrt has changed nothing here"]
    lines: list[str] = []
    for record in records:
        header, count = record.header, len(record.written())
        about = f"of run {header.plan_digest}" if header.purpose == "revert" else ""
        plan = "" if about else f"plan {header.plan_digest[:12]}"
        text = (
            f"{header.id}  {header.user}  {header.purpose} {about or plan}  "
            f"{count} value{'s' * (count != 1)}  {record.finish}"
        )
        lines += fold(escape_text(text), width, indent=4, first=0)
    return lines


def history_document(records: Sequence[Record]) -> dict[str, Any]:
    """All runs, for `kvmrt history --json`."""
    return {
        "format_version": "1.0",
        "runs": [
            {
                "id": record.header.id,
                "started": record.header.started,
                "user": record.header.user,
                "purpose": record.header.purpose,
                "plan": record.header.plan_digest,
                "host": record.header.host,
                "values": len(record.written()),
                "finish": str(record.finish),
                "differs": list(record.differs),
            }
            for record in records
        ],
    }


def step_lines(record: Record, *, width: int) -> list[str]:
    """What a revert would write: each value and the one before it."""
    head = f"run {record.header.id} of {record.header.user} wrote {len(record.written())} values:"
    lines = fold(escape_text(head), width, indent=4, first=0)
    for step in reversed(record.written()):
        old, new = (told_value(step.kind, one) for one in (step.old, step.new))
        text = f"{step.address}  {_shown(new)} -> {_shown(old)}"
        lines += fold(escape_text(text), width, indent=6, first=2)
    return lines


def _shown(value: str | None) -> str:
    return "absent" if value is None else value or '""'
