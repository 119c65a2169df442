# SPDX-License-Identifier: Apache-2.0
"""What every code of a finding means; `docs/findings.md` is generated from it.

Nothing that plans imports this: a finding carries its own text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Entry:
    """One code: when it appears (`title`), how much it weighs, why it matters and what to do."""

    code: str
    title: str
    #: `error`, `warning` or `advice`; where it depends, all of them with a few words.
    severity: str
    why: str
    #: A few lines of a configuration (YAML unless `language` says otherwise) that lead to it.
    example: str
    remedy: str
    language: str = "yaml"


_HEAD = """\
# Findings

Every finding has a stable code. An *error* stops every write, a *warning* does not (with `--strict` it
does), *advice* is advice. All findings of a run are shown at once, errors first.

Codes KR0xx are about the file, KR1xx about what it asks for, KR2xx about what the host shows, KR3xx about
the snapshots and allowances of [`kvmrt check`](checks.md). In the examples the host has CPUs 0-7 with
siblings 8-15 and NUMA nodes 0 (CPUs 0-3, 8-11) and 1, unless they say otherwise; `rt1` and `web` stand under
`vms:` and have a `uuid` that is left out here.

This page is generated from `kvmrt_plan/rules/catalogue*.py`; a test compares the two.
"""


def render_catalogue(entries: Iterable[Entry]) -> str:
    """The page, one section per code in ascending order."""
    return "\n".join([_HEAD, *(_section(entry) for entry in sorted(entries, key=_code))])


def _code(entry: Entry) -> str:
    return entry.code


def _section(entry: Entry) -> str:
    return (
        f"## {entry.code}\n\n**{entry.title}** ({entry.severity})\n\n"
        f"Why: {entry.why}\n\n"
        f"Example:\n\n```{entry.language}\n{entry.example.strip()}\n```\n\n"
        f"Remedy: {entry.remedy}\n"
    )
