# SPDX-License-Identifier: Apache-2.0
"""What the terminal can do: its width, and whether colours are wanted (https://no-color.org)."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from kvmrt_plan.views.terminal import Painter

#: Width of what is not a terminal, and of a terminal that does not say.
PLAIN_WIDTH = 80


def width_of(stream: TextIO) -> int:
    """Columns of the stream; 80 when it is not a terminal, so that files always look the same."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return PLAIN_WIDTH
    return columns or PLAIN_WIDTH


def wants_colour(stream: TextIO) -> bool:
    """Only a terminal gets colours, and only if NO_COLOR is not set and it is not dumb."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def stderr_painter() -> Painter:
    """For errors."""
    return Painter(is_coloured=wants_colour(sys.stderr))
