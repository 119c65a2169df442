# SPDX-License-Identifier: Apache-2.0
"""Colours and patterns of drawings, for light and dark.

Text stands on every fill with a contrast of at least 4.5 to 1, and strips and marks on their ground with at
least 3 to 1 (WCAG 2.1, success criteria 1.4.3 and 1.4.11; tests/unit/views/test_drawings.py computes both).
Each VM has a pattern beside its colour, and a letter beside both.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """One scheme; all colours as #rrggbb."""

    page: str
    text: str
    #: Frames of boxes.
    frame: str
    #: What deviates: frame and mark.
    wrong: str
    #: Fills of the cells of VMs by turns, and the strong colour of their strips.
    fills: tuple[str, ...]
    strips: tuple[str, ...]
    #: Fills of CPUs that are no VM's.
    housekeeping: str
    offline: str


LIGHT = Palette(
    page="#ffffff",
    text="#1a1a1a",
    frame="#6b6b6b",
    wrong="#b00020",
    fills=("#d6e8fa", "#fbe3c8", "#e2d9f3", "#d5efd9", "#f9d5e2", "#d3eef0"),
    strips=("#1f6fb5", "#a85a00", "#6a48a8", "#2b7a3b", "#b03068", "#17767c"),
    housekeeping="#f4f4f4",
    offline="#dcdcdc",
)
DARK = Palette(
    page="#16181b",
    text="#f0f0f0",
    frame="#8f8f8f",
    wrong="#ff8a8a",
    fills=("#173a5c", "#54340f", "#3a2a5e", "#1c4525", "#571c36", "#12474b"),
    strips=("#6db3f2", "#f0a04b", "#b294ee", "#72c984", "#f08ab0", "#5cc5cc"),
    housekeeping="#26292d",
    offline="#3a3d41",
)
#: What is drawn into a square of eight points, so that the strip of a VM is told without its colour.
PATTERNS = (
    "M0 0H8V8H0Z",
    "M0 8L8 0M-2 2L2 -2M6 10L10 6",
    "M0 2H8M0 6H8",
    "M2 0V8M6 0V8",
    "M0 0L8 8M0 8L8 0",
    "M2 2H6V6H2Z",
)
#: Of these the first and the last are areas, the others lines.
AREAS = frozenset({0, 5})


def scheme_rules(palette: Palette) -> str:
    """The rules of one scheme for the classes that drawings use."""
    rules = [
        f".k-page{{fill:{palette.page}}}",
        f".k-text{{fill:{palette.text}}}",
        f".k-frame{{stroke:{palette.frame}}}",
        f".k-wrong{{fill:{palette.wrong}}}",
        f".k-unlike{{stroke:{palette.wrong}}}",
        f".k-plain{{fill:{palette.housekeeping}}}",
        f".k-off{{fill:{palette.offline}}}",
    ]
    for number, (fill, strip) in enumerate(zip(palette.fills, palette.strips, strict=True)):
        rules.append(f".k-vm{number}{{fill:{fill}}}")
        kind = "fill" if number in AREAS else "stroke"
        rules.append(f".k-p{number}{{{kind}:{strip}}}")
    return "".join(rules)
