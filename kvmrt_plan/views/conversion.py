# SPDX-License-Identifier: Apache-2.0
"""What a conversion gave, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.terminal import Painter, Style, fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.conversions.converted import Converted, LeftOut
    from kvmrt_plan.conversions.into_file import Added

FORMAT_VERSION = "1.0"
_COLUMN = 11


def conversion_lines(
    done: Added, converted: Converted, *, file: str, width: int, painter: Painter
) -> Iterator[str]:
    """One line per VM with where its UUID comes from, what is left out and why, and a sum."""
    for vm in done.added:
        what = f"{escape_text(vm.name)}  {vm.uuid} ({converted.uuids[vm.name]})"
        yield from _row("added", Style.ADDED, what, width, painter)
    for vm in done.present:
        what = f"{escape_text(vm.name)}  is in the file already, and is left alone"
        yield from _row("present", Style.QUIET, what, width, painter)
    if done.left_out:
        yield painter.paint("left out", Style.HEADING)
    for one in done.left_out:
        yield from _left_out(one, converted.file, width)
    counts = (("added", done.added), ("present", done.present), ("left out", done.left_out))
    said = ", ".join(f"{len(found)} {word}" for word, found in counts if found)
    yield f"{escape_text(file)}: {said}"


def conversion_document(done: Added, converted: Converted, *, file: str) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "format": "kvmrt-conversion",
        "format_version": FORMAT_VERSION,
        "file": file,
        "source": converted.file,
        "vms": [
            {
                "name": vm.name,
                "uuid": str(vm.uuid),
                "uuid_is": converted.uuids[vm.name],
                "outcome": outcome,
            }
            for outcome, vms in (("added", done.added), ("present", done.present))
            for vm in vms
        ],
        "left_out": [
            {"vm": one.vm, "name": one.name, "value": one.value, "line": one.line, "why": one.why}
            for one in done.left_out
        ],
    }


def _row(word: str, style: Style, what: str, width: int, painter: Painter) -> Iterator[str]:
    first, *rest = fold(what, width, indent=_COLUMN)
    yield painter.paint(word, style) + " " * (_COLUMN - len(word)) + first.lstrip()
    yield from rest


def _left_out(one: LeftOut, file: str, width: int) -> Iterator[str]:
    place = f"  ({file}:{one.line})" if one.line is not None else ""
    what = " ".join(part for part in (one.vm, one.name, one.value) if part)
    yield from fold(escape_text(f"{what}{place}"), width, indent=4, first=2)
    yield from fold(escape_text(one.why), width, indent=6)
