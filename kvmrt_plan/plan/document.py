# SPDX-License-Identifier: Apache-2.0
"""A plan as a JSON document (`schemas/plan.schema.json`).

`format_version` follows one rule: a new minor only adds fields, a new major changes what exists; readers
ignore fields they do not know and refuse a major they do not know. The digest is the SHA-256 of the
document without it, so that a saved plan that was edited is recognised.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kvmrt_plan import __version__
from kvmrt_plan.changes.change import Activation
from kvmrt_plan.diagnostics import Severity
from kvmrt_plan.plan.action import Plan, PlannedHost
from kvmrt_plan.values.document import dump_document as dump_document  # noqa: PLC0414  goes with plan_document

if TYPE_CHECKING:
    from kvmrt_plan.changes.change import NoChange, Pending, Reason
    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.plan.action import Action
    from kvmrt_plan.plan.drift import Drift

FORMAT_VERSION = "1.0"


def plan_document(
    plan: Plan, *, configuration: bytes, with_unchanged: bool = False
) -> dict[str, Any]:
    """The plan as plain values, ready for `dump_document`.

    Args:
        plan: what to write down.
        configuration: the file that the plan was made from.
        with_unchanged: also what was considered and found right.
    """
    document: dict[str, Any] = {
        "format": "kvmrt-plan",
        "format_version": FORMAT_VERSION,
        "kvmrt_version": __version__,
        "host": {
            "name": plan.host.name,
            "captured": plan.host.captured,
            "kernel": plan.host.kernel,
            "boot_id": plan.host.boot_id,
        },
        "configuration": {
            "file": plan.configuration,
            "digest": _sha256(configuration),
            "content": configuration.decode("utf-8", "replace"),
        },
        "narrowed_to": list(plan.narrowed_to),
        "holders": list(plan.holders),
        "errored": plan.is_errored,
        "summary": plan_summary(plan),
        "actions": [_action(action) for action in plan.actions],
        "pending": [_pending(one) for one in plan.pending],
        "findings": [finding_document(finding) for finding in plan.findings],
    }
    if plan.drift:
        document["drift"] = [_drift(one) for one in plan.drift]
    if with_unchanged:
        document["unchanged"] = [_unchanged(one) for one in plan.unchanged]
    document["digest"] = document_digest(document)
    return document


def unusable_document(file: str, findings: tuple[Finding, ...]) -> dict[str, Any]:
    """The document for a configuration that cannot be read: nothing but its findings."""
    plan = Plan(
        host=PlannedHost(name="", captured="", kernel="", boot_id=""),
        configuration=file,
        narrowed_to=(),
        actions=(),
        pending=(),
        unchanged=(),
        findings=findings,
        holders=(),
    )
    return plan_document(plan, configuration=b"")


def plan_summary(plan: Plan) -> dict[str, int]:
    """The counts that every view of a plan shows."""
    return {
        "now": plan.count(Activation.NOW),
        "guest_restart": plan.count(Activation.GUEST_RESTART),
        "next_boot": plan.count(Activation.NEXT_BOOT),
        "pending": len(plan.pending),
        "unchanged": len(plan.unchanged),
        "warnings": plan.count_findings(Severity.WARNING),
        "errors": plan.count_findings(Severity.ERROR),
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    """A finding as plain values; `source` is `file:line`."""
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "summary": finding.summary,
        "detail": finding.detail,
        "remedy": finding.remedy,
        "source": str(finding.source) if finding.source else None,
        "vm": finding.vm,
    }


def document_digest(document: dict[str, Any]) -> str:
    """SHA-256 over the document without its own digest."""
    plain = {key: value for key, value in document.items() if key != "digest"}
    return _sha256(json.dumps(plain, sort_keys=True).encode())


def _sha256(content: bytes) -> str:
    # Loading OpenSSL's hashes takes 4 ms, which the text view of a plan does not have to pay.
    from hashlib import sha256

    return sha256(content).hexdigest()


def _action(action: Action) -> dict[str, Any]:
    change = action.change
    return {
        "id": action.number,
        "kind": str(change.kind),
        "address": change.address,
        "label": change.label,
        "before": change.before,
        "after": change.after,
        "running": change.running,
        "activation": str(change.activation),
        "disturbance": str(change.disturbance),
        "undo": str(change.undo),
        "reason": _reason(change.reason),
        "requires": list(action.requires),
        "vm": change.owner or None,
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "code": str(reason.code),
        "text": reason.text,
        "source": str(reason.source) if reason.source else None,
    }


def _pending(one: Pending) -> dict[str, Any]:
    return {
        "kind": str(one.kind),
        "address": one.address,
        "label": one.label,
        "running": one.running,
        "written": one.written,
        "activation": str(one.activation),
        "vm": one.owner or None,
    }


def _drift(one: Drift) -> dict[str, Any]:
    return {
        "kind": str(one.kind),
        "address": one.address,
        "label": one.label,
        "written": one.written,
        "present": one.present,
        "cause": one.cause,
    }


def _unchanged(one: NoChange) -> dict[str, Any]:
    return {
        "kind": str(one.kind),
        "address": one.address,
        "label": one.label,
        "value": one.value,
        "reason": _reason(one.reason),
        "vm": one.owner or None,
    }
