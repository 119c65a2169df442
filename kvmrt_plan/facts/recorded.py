# SPDX-License-Identifier: Apache-2.0
"""Siblings that kvmrt recorded while all CPUs were online.

The kernel removes cpuN/topology when CPU N goes offline and takes N out of its siblings' lists, so
that a host on which siblings are off no longer tells whose they are. kvmrt writes them down before
it takes the first one offline:

    {"format": "kvmrt-topology", "siblings": {"4": "4,20", "20": "4,20"}}
"""

from __future__ import annotations

from kvmrt_plan.errors import FactError
from kvmrt_plan.facts.reading import parse_int
from kvmrt_plan.values.cpuset import CpuListError, CpuSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kvmrt_plan.facts.texts import Texts

RECORDED_PATH = "/run/kvmrt/topology.json"
RECORDED_FORMAT = "kvmrt-topology"


def parse_recorded_siblings(texts: Texts, present: CpuSet) -> dict[int, CpuSet]:
    """Sibling sets by CPU, ascending, limited to CPUs that are present.

    Raises:
        FactError: the file is not one that kvmrt wrote.
    """
    text = texts.files.get(RECORDED_PATH)
    if text is None:
        return {}
    siblings = _load(text)
    found = {_number(key): _members(value) for key, value in siblings.items()}
    return {cpu: found[cpu] & present for cpu in sorted(found) if cpu in present}


def _load(text: str) -> dict[str, Any]:
    # Most hosts have no such file, and loading json takes 3 ms of a quick view.
    import json

    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(f"no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != RECORDED_FORMAT:
        raise _damaged(f'has no "format": "{RECORDED_FORMAT}"')
    siblings = document.get("siblings")
    if not isinstance(siblings, dict):
        raise _damaged('"siblings" is no object of CPU numbers and cpulists')
    return siblings


def _damaged(problem: str) -> FactError:
    return FactError(
        RECORDED_PATH,
        f"is damaged: {problem} (with --state-dir, or on a simulated host, it stands in run/ of the state "
        "folder)",
        "bring all CPUs online and remove it: kvmrt writes it anew",
    )


def _number(key: str) -> int:
    number = parse_int(key, RECORDED_PATH)
    if number < 0:
        raise FactError(RECORDED_PATH, f"{key!r} is no CPU number")
    return number


def _members(value: object) -> CpuSet:
    if not isinstance(value, str):
        raise FactError(RECORDED_PATH, f"{value!r:.80} is no cpulist")
    try:
        return CpuSet.parse(value)
    except CpuListError as error:
        raise FactError(RECORDED_PATH, f"no cpulist: {error}") from error
