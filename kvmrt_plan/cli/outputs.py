# SPDX-License-Identifier: Apache-2.0
"""Files that a command writes: none may replace what it reads, nor another one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kvmrt_plan.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def check_outputs(outputs: Sequence[str | None], inputs: Sequence[str]) -> None:
    """Refuses an output that is an input or named twice; None is an output that is not asked for.

    Raises:
        UsageError: it would be written over something.
    """
    asked = [one for one in outputs if one is not None]
    for number, output in enumerate(asked):
        for other in (*inputs, *asked[:number]):
            if _is_same(output, other):
                raise UsageError(
                    f"{output} would be written over {other}", "name another file for the output"
                )


def _is_same(one: str, other: str) -> bool:
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
