# SPDX-License-Identifier: Apache-2.0
"""What can still interrupt some CPUs, by cause, each with what removes it.

Long lists are shortened by grouping names that differ in what follows a slash or are the same, never
by leaving any out; the document has every one with its number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.terminal import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.rules.intrusion import Intrusion
    from kvmrt_plan.rules.intrusions import Intrusions

FORMAT_VERSION = "1.0"


def render_intrusions(intrusions: Intrusions, *, width: int) -> str:
    """Paragraphs by cause."""
    return "".join(f"{line}\n" for line in _lines(intrusions, width))


def intrusions_document(intrusions: Intrusions) -> dict[str, Any]:
    """The document of `kvmrt tasks --who-disturbs CPUS --json`."""
    return {
        "format_version": FORMAT_VERSION,
        "cpus": str(intrusions.cpus),
        "offline": str(intrusions.offline),
        "others": str(intrusions.others),
        "causes": [
            {
                "cause": one.cause,
                "summary": one.summary,
                "known": one.is_known,
                "remedy": one.remedy or None,
                "subjects": [{"number": number, "name": name} for number, name in one.subjects],
            }
            for one in intrusions.found
        ],
    }


def _lines(intrusions: Intrusions, width: int) -> Iterator[str]:
    if intrusions.offline:
        yield f"CPU {intrusions.offline} is offline: nothing runs there"
    if not intrusions.cpus:
        return
    if not intrusions.found:
        yield f"Nothing is known to interrupt CPU {intrusions.cpus}."
        return
    yield f"What can still interrupt CPU {intrusions.cpus}"
    cause = ""
    for one in intrusions.found:
        if one.cause != cause:
            cause = one.cause
            yield ""
            yield cause
        yield from _paragraph(one, width)


def _paragraph(one: Intrusion, width: int) -> Iterator[str]:
    count = f"{len(one.subjects)} " if one.subjects else ""
    yield from fold(f"{count}{escape_text(one.summary)}", width, indent=4, first=2)
    if one.subjects:
        yield from fold(escape_text(_grouped(one)), width, indent=6)
    if one.remedy:
        yield from fold(f"removed by: {escape_text(one.remedy)}", width, indent=6, first=4)
    elif one.is_known:
        yield "    nothing removes them"


def _grouped(one: Intrusion) -> str:
    if one.cause == "interrupts":
        return ", ".join(f"{number} {name}".rstrip() for number, name in one.subjects)
    groups: dict[str, list[str]] = {}
    for _, name in one.subjects:
        stem, slash, _ = name.partition("/")
        groups.setdefault(f"{stem}/*" if slash else name, []).append(name)
    return ", ".join(
        names[0] if len(names) == 1 else f"{group} ({len(names)})"
        for group, names in sorted(groups.items())
    )
