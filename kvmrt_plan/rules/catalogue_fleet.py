# SPDX-License-Identifier: Apache-2.0
"""The codes that only `kvmrt check` reports: snapshots, allowances, and what shows between hosts."""

from __future__ import annotations

from kvmrt_plan.rules.catalogue import Entry

#: No code of ours, and so nothing that a reader of the sources should look for.
_WRONG = f"KR{999}"

ENTRIES = (
    Entry(
        "KR301", "An allowance has ended", "warning",
        why="Its `until` lies in the past: what it allowed counts again.",
        example="allow:\n  - {code: KR104, reason: until the new board comes, until: 2026-01-31}\n"
        "vms: {}",
        remedy="mend what it allowed, or set a later day with the reason of today.",
    ),
    Entry(
        "KR302", "An allowance meets no finding", "advice",
        why="It would hide a finding that comes up later and that nobody has looked at.",
        example="allow:\n  - {code: KR104, reason: measured}\nvms: {}",
        remedy="remove it.",
    ),
    Entry(
        "KR303", "An allowance names a code that no finding has", "warning",
        why="It allows nothing; most likely a digit is wrong.",
        example=f"allow:\n  - code: {_WRONG}\n    reason: measured\nvms: {{}}",
        remedy="take the code from the finding that is meant.",
    ),
    Entry(
        "KR304", "An allowance names an error", "warning",
        why="No plan is made while an error stands: a check that passed would promise what "
        "`kvmrt apply` refuses.",
        example="allow:\n  - {code: KR101, reason: will be there soon}\nvms: {}",
        remedy="mend the error.",
    ),
    Entry(
        "KR305", "A configuration has no snapshot", "warning",
        why="Without its host only the half can be checked, and there is no plan.",
        example="kvmrt check hosts/rt1.yaml  # and there is no hosts/rt1.json",
        remedy="put `kvmrt snapshot`'s file beside it under the same name, name it with `--host`, or say "
        "`--no-host`.",
        language="sh",
    ),
    Entry(
        "KR306", "A snapshot is old", "warning",
        why="What changed on the host since then is not seen, so that an apply may do something else than "
        "what was reviewed.",
        example="kvmrt check hosts/ --max-age 7",
        remedy="take a new one: `kvmrt snapshot -o hosts/rt1.json`.",
        language="sh",
    ),
    Entry(
        "KR307", "The age of a snapshot cannot be told", "warning",
        why="Its `captured` is no time, or lies in the future.",
        example='jq .captured hosts/rt1.json  # "2062-11-22T10:12:00Z"',
        remedy="take a new snapshot, and look at the clock of the host.",
        language="sh",
    ),
    Entry(
        "KR308", "A snapshot cannot be used", "error",
        why="It is cut off, of another version, or holds what no kernel prints; nothing can be said about "
        "its host.",
        example="head -c 1000 host.json >hosts/rt1.json",
        remedy="take a new snapshot of the host.",
        language="sh",
    ),
    Entry(
        "KR309", "A VM's UUID belongs to a VM of another host as well", "warning",
        why="The UUID is a VM's identity. It was copied with the lines around it, and now means the wrong "
        "domain; or the VM has moved, and the old host would define it again.",
        example="diff hosts/rt1.yaml hosts/rt2.yaml  # the same uuid in both",
        remedy="give the copy a UUID of its own (`uuidgen`), or remove the VM where it is no more.",
        language="sh",
    ),
)  # fmt: skip
