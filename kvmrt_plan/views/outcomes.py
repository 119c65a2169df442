# SPDX-License-Identifier: Apache-2.0
"""An apply as text and as events: each step with its outcome, then how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.apply.run import Status
from kvmrt_plan.apply.step import Outcome
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.plan_words import action_words, pending_words
from kvmrt_plan.views.terminal import Painter, Style, fold

if TYPE_CHECKING:
    from kvmrt_plan.apply.recover import Recovery
    from kvmrt_plan.apply.run import Result
    from kvmrt_plan.changes.change import Pending
    from kvmrt_plan.plan.action import Action

EVENT_FORMAT_VERSION = "1.0"

_STYLES = {
    Outcome.DONE: Style.ADDED,
    Outcome.UNCHANGED: Style.QUIET,
    Outcome.PENDING: Style.WARNING,
    Outcome.FAILED: Style.ERROR,
    Outcome.NOT_REACHED: Style.QUIET,
}
_SENTENCES = {
    Status.NOTHING: "nothing to do: the host is as planned",
    Status.APPLIED: "applied",
    Status.REVERTED: "failed, and everything was taken back",
    Status.INCOMPLETE: "failed, and NOT everything could be taken back",
}


def outcome_lines(
    action: Action, outcome: Outcome, cause: str, *, width: int, painter: Painter
) -> list[str]:
    """`done         3 irq 45 eth0-rx-1 affinity  0-15 -> 0-3`, and why it failed."""
    words = action_words(action)
    word = outcome.replace("-", " ")
    line = f"{word:<12}{words.number:>5} {words.subject}  {words.value}"
    lines = fold(line, width, indent=18, first=0)
    lines[0] = painter.paint(word, _STYLES[outcome]) + lines[0][len(word) :]
    if cause:
        lines += fold(escape_text(cause), width, indent=18)
    return lines


def result_lines(result: Result, *, width: int, painter: Painter) -> list[str]:
    """How it ended, what waits, and what is not as it was."""
    counts: dict[Outcome, int] = {}
    for outcome in result.outcomes.values():
        counts[outcome] = counts.get(outcome, 0) + 1
    numbers = ", ".join(
        f"{counts[one]} {one.replace('-', ' ')}" for one in Outcome if one in counts
    )
    sentence = _SENTENCES[result.status]
    if result.id:
        sentence += f" (run {result.id})"
    head = ": ".join(filter(None, (sentence, numbers)))
    style = Style.HEADING if result.status in (Status.NOTHING, Status.APPLIED) else Style.ERROR
    lines = [painter.paint(line, style) for line in fold(head, width, indent=2, first=0)]
    if result.failure:
        lines += fold(f"because {escape_text(result.failure)}", width, indent=4, first=2)
    for text in result.differs:
        lines += fold(f"left: {escape_text(text)}", width, indent=8, first=2)
    for one in _pending(result):
        words = pending_words(one)
        text = f"pending: {words.subject}  {words.value}"
        lines += fold(text, width, indent=8, first=2)
    return lines


def _pending(result: Result) -> tuple[Pending, ...]:
    """What is written and not in effect, unless it was taken back."""
    if result.proof is None or result.status is not Status.APPLIED:
        return ()
    return result.proof.pending


def recovery_lines(recovery: Recovery, *, width: int, painter: Painter) -> list[str]:
    """What was found of an earlier run, and what became of it."""
    text = f"run {recovery.id} had not ended: {recovery.finish}"
    if recovery.is_after_reboot:
        text += "; the machine was started again since, so only what outlives a boot was undone"
    lines = [painter.paint(one, Style.WARNING) for one in fold(text, width, indent=2, first=0)]
    for difference in recovery.differs:
        lines += fold(f"left: {escape_text(difference)}", width, indent=8, first=2)
    return lines


def action_event(action: Action, outcome: Outcome, cause: str) -> dict[str, Any]:
    """One step's outcome, as an event."""
    change = action.change
    return {
        "type": "action",
        "id": action.number,
        "kind": str(change.kind),
        "address": change.address,
        "before": change.before,
        "after": change.after,
        "outcome": str(outcome),
        "cause": cause,
    }


def result_event(result: Result, exit_code: int) -> dict[str, Any]:
    """The last event of an apply."""
    return {
        "type": "result",
        "status": str(result.status),
        "run": result.id or None,
        "exit_code": exit_code,
        "failure": result.failure,
        "differs": list(result.differs),
        "pending": [
            {
                "address": one.address,
                "running": one.running,
                "written": one.written,
                "activation": str(one.activation),
            }
            for one in _pending(result)
        ],
    }


def recovery_event(recovery: Recovery) -> dict[str, Any]:
    """What was found of an earlier run."""
    return {
        "type": "recovered",
        "run": recovery.id,
        "finish": str(recovery.finish),
        "differs": list(recovery.differs),
    }
