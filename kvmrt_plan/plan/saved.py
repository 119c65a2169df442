# SPDX-License-Identifier: Apache-2.0
"""Reads a saved plan. It may come from anywhere, so everything in it is checked before it is used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kvmrt_plan.changes.change import Change, Reason
from kvmrt_plan.errors import SnapshotError
from kvmrt_plan.plan.action import Action
from kvmrt_plan.plan.document import document_digest
from kvmrt_plan.plan.model import PlanDocument

if TYPE_CHECKING:
    from kvmrt_plan.plan.model import ActionPart

#: Largest plan that is read: one for 4,096 interrupts and 500 VMs has 8 MB.
MAX_PLAN_BYTES = 64 * 1024 * 1024
_REMEDY = "make a new one with `kvmrt plan -o FILE`"


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan as it was reviewed."""

    document: PlanDocument
    actions: tuple[Action, ...]

    @property
    def configuration(self) -> bytes:
        """The configuration it was made from."""
        return self.document.configuration.content.encode()


def load_plan(content: bytes, *, file: str) -> SavedPlan:
    """The plan in a file that `kvmrt plan -o` wrote.

    Raises:
        SnapshotError: it is no plan, of a later major version, was changed after it was saved, or has
            errors and so nothing to apply.
    """
    raw = _load_json(content, file)
    _check_format(raw, file)
    if raw.get("digest") != document_digest(raw):
        raise SnapshotError(file, "was changed after it was saved: its digest differs", _REMEDY)
    try:
        document = PlanDocument.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SnapshotError(file, f"is no plan: {place} {first['type']}", _REMEDY) from error
    if document.errored:
        raise SnapshotError(file, "has errors and cannot be applied", "mend them, then plan again")
    return SavedPlan(document=document, actions=tuple(map(_action, document.actions)))


def _load_json(content: bytes, file: str) -> dict[str, Any]:
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise SnapshotError(file, "is no JSON document", _REMEDY) from error
    if not isinstance(raw, dict):
        raise SnapshotError(file, "is no plan: it is not an object", _REMEDY)
    return raw


def _check_format(raw: dict[str, Any], file: str) -> None:
    if raw.get("format") != "kvmrt-plan":
        raise SnapshotError(file, 'is no plan: "format" is not "kvmrt-plan"', _REMEDY)
    version = str(raw.get("format_version"))
    if version.partition(".")[0] != "1":
        raise SnapshotError(
            file,
            f"has format version {version!r}, this kvmrt reads 1.x",
            "use the kvmrt that wrote it",
        )


def _action(part: ActionPart) -> Action:
    change = Change(
        kind=part.kind,
        address=part.address,
        before=part.before,
        after=part.after,
        activation=part.activation,
        disturbance=part.disturbance,
        undo=part.undo,
        # Where the reason stands in the configuration is part of its text here.
        reason=Reason(code=part.reason.code, text=part.reason.text),
        label=part.label,
        running=part.running,
        owner=part.vm or "",
    )
    return Action(number=part.id, change=change, requires=part.requires)
