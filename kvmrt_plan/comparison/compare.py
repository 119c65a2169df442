# SPDX-License-Identifier: Apache-2.0
"""What differs between two hosts' facts, each difference with its path and both values.

deepdiff finds the paths; it is given only what is not equal, because it looks at every value several times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.comparison.tables import host_tables
from kvmrt_plan.values.cpuset import EMPTY, CpuSet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kvmrt_plan.facts.host import HostFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One value that is not the same; None: absent."""

    #: `interrupts`, `domains`, ... as `host_tables` names them.
    table: str
    #: `eth0-rx-1`, or a domain's name.
    subject: str
    #: Below the subject (`definition`, `cputune/vcpupin 0`, `cpuset`); empty for the subject itself.
    place: tuple[str, ...]
    before: str | None
    after: str | None
    #: CPUs that came and went, where both values are sets.
    gained: CpuSet = EMPTY
    lost: CpuSet = EMPTY


def compare_facts(before: HostFacts, after: HostFacts) -> tuple[Difference, ...]:
    """All differences, table by table, by subject and place.

    Raises:
        DomainXmlError: a domain's XML cannot be read.
    """
    old, new = host_tables(before), host_tables(after)
    found = [
        difference for table in new for difference in _compare_table(table, old[table], new[table])
    ]
    return tuple(found)


def _compare_table(
    table: str, old: Mapping[str, object], new: Mapping[str, object]
) -> list[Difference]:
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    old = {key: old[key] for key in keys if key in old}
    new = {key: new[key] for key in keys if key in new}
    if not keys:
        return []
    # 0.1 s to load, which a host that has not changed does not pay.
    from deepdiff import DeepDiff

    changed = DeepDiff(_plain(old), _plain(new), view="tree", threshold_to_diff_deeper=0)
    paths = {
        tuple(map(str, one.path(output_format="list"))) for kind in changed.values() for one in kind
    }
    rank = {key: number for number, key in enumerate(sorted(keys, key=_natural))}
    return [
        _difference(table, path, _at(old, path), _at(new, path))
        for path in sorted(paths, key=lambda path: (rank[path[0]], tuple(map(_natural, path[1:]))))
    ]


def _difference(table: str, path: tuple[str, ...], old: object, new: object) -> Difference:
    are_sets = isinstance(old, CpuSet) and isinstance(new, CpuSet)
    return Difference(
        table=table,
        subject=path[0],
        place=path[1:],
        before=_text(old),
        after=_text(new),
        gained=new - old if are_sets else EMPTY,  # type: ignore[operator]
        lost=old - new if are_sets else EMPTY,  # type: ignore[operator]
    )


def _plain(value: object) -> object:
    """With CPU sets as texts, of which deepdiff sees one value and no inside."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return str(value)


def _at(table: object, path: tuple[str, ...]) -> object:
    for key in path:
        if not isinstance(table, dict) or key not in table:
            return None
        table = table[key]
    return table


def _text(value: object) -> str | None:
    """A leaf as it is; of a table its leaves, or how many elements it has."""
    if value is None:
        return None
    if not isinstance(value, dict):
        return str(value)
    if any(isinstance(inner, dict) for inner in value.values()):
        leaves = {key: inner for key, inner in value.items() if not isinstance(inner, dict)}
        return ", ".join(f"{key} {inner}" for key, inner in leaves.items()) or "present"
    return ", ".join(f"{key} {inner}".strip() for key, inner in value.items()) or "present"


def _natural(text: str) -> tuple[tuple[bool, int, str], ...]:
    """Numbers within a name count as numbers: eth0-rx-2 before eth0-rx-10."""
    parts: list[str] = []
    for character in text:
        is_digit = character in "0123456789"
        if parts and (parts[-1][-1] in "0123456789") == is_digit:
            parts[-1] += character
        else:
            parts.append(character)
    return tuple(
        (True, int(part[:20]), "") if part[0] in "0123456789" else (False, 0, part)
        for part in parts
    )
