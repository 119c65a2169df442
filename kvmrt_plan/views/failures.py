# SPDX-License-Identifier: Apache-2.0
"""A failure as text: what is wrong, then what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.terminal import Painter, Style, fold

if TYPE_CHECKING:
    from kvmrt_plan.errors import KvmrtError


def failure_lines(error: KvmrtError, width: int, painter: Painter) -> list[str]:
    """`error: ...`, then `-> ...`."""
    first, *rest = fold(f"error: {escape_text(error.problem)}", width, indent=2, first=0)
    remedy = fold(f"-> {escape_text(error.remedy)}", width, indent=7, first=4)
    return [painter.paint("error:", Style.ERROR) + first[len("error:") :], *rest, *remedy]
