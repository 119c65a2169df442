# SPDX-License-Identifier: Apache-2.0
"""Policies as lines and for JSON: what is so, what is wanted, and whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.changes.change import Change, NoChange, Pending
from kvmrt_plan.plan.policies import State
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.plan_words import shown_value, subject_words, told_value
from kvmrt_plan.views.terminal import fold

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.plan.action import Plan
    from kvmrt_plan.plan.policies import Policy

_WIDTH = 80
_INDENT = 10


def policy_lines(policies: Sequence[Policy], plan: Plan) -> Iterator[str]:
    """Counts, then a line for each policy, the worst first. The VMs that need one stand behind it where
    they are not all that hold policies.
    """
    counts = [(state, sum(one.state is state for one in policies)) for state in State]
    told = ", ".join(f"{count} {state}" for state, count in counts if count)
    yield f"policies: {told or 'none is wanted'}"
    if plan.holder_names:
        names = ", ".join(map(escape_text, plan.holder_names))
        yield from fold(f"wanted for {names}", _WIDTH, indent=2, first=0)
    if plan.is_errored:
        yield "errors stop the plan, so that what is not held is not known: kvmrt plan"
    for one in policies:
        line = f"{one.state:<{_INDENT}}{_line(one, plan)}"
        yield from fold(line, _WIDTH, indent=_INDENT, first=0)


def _line(one: Policy, plan: Plan) -> str:
    subject = one.subject
    if not isinstance(subject, Change | NoChange | Pending):
        return f"{subject.code} {escape_text(subject.summary)}"
    words = subject_words(subject.kind, subject.address, subject.label)
    present, wanted = (
        shown_value(told_value(subject.kind, value)) for value in (one.present, one.wanted)
    )
    text = f"{words}  {present}"
    if one.state is not State.HELD:
        text += f", wanted {wanted}"
    if one.vms == plan.holder_names or subject.owner:
        return text
    return f"{text} [{', '.join(map(escape_text, one.vms)) or 'nobody'}]"


def policy_document(policies: Sequence[Policy], plan: Plan) -> dict[str, Any]:
    """The same for JSON."""
    return {
        "holders": list(plan.holder_names),
        "errored": plan.is_errored,
        "policies": [
            {
                "state": str(one.state),
                "address": one.address,
                "wanted": one.wanted,
                "present": one.present,
                "reason": one.reason,
                "vms": list(one.vms),
            }
            for one in policies
        ],
    }
