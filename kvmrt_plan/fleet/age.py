# SPDX-License-Identifier: Apache-2.0
"""How old a snapshot is, and whether that is too old to be checked against. The clock is an argument."""

from __future__ import annotations

from datetime import UTC, datetime

from kvmrt_plan.diagnostics import Finding, Severity, Source

_DAY = 86400
#: Clocks differ a little.
_TOLERANCE_SECONDS = 300


def age_of(captured: str, now: datetime) -> int | None:
    """Seconds between the capture and `now`, negative for the future; None: the text is no time."""
    try:
        when = datetime.fromisoformat(captured)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return int((now - when).total_seconds())


def age_findings(
    snapshot: str, captured: str, age_seconds: int | None, *, limit_days: int | None
) -> list[Finding]:
    """KR306 for an old snapshot, KR307 for one whose age cannot be told."""
    source = Source(snapshot)
    if age_seconds is None or age_seconds < -_TOLERANCE_SECONDS:
        has = f"was taken at {captured}, which is to come" if captured else "has no time"
        if captured and age_seconds is None:
            has = f"was taken at {captured!r:.60}, which is no time"
        return [
            Finding(
                code="KR307",
                severity=Severity.WARNING,
                summary=f"the snapshot {has}",
                remedy="take a new snapshot of the host, and look at its clock",
                source=source,
            )
        ]
    if limit_days is None or age_seconds <= limit_days * _DAY:
        return []
    return [
        Finding(
            code="KR306",
            severity=Severity.WARNING,
            summary=f"the snapshot is {age_seconds // _DAY} days old, at most {limit_days} are allowed",
            detail="what changed on the host since then is not seen here",
            remedy="take a new one: `kvmrt snapshot -o FILE`; --max-age sets the limit",
            source=source,
        )
    ]
