# SPDX-License-Identifier: Apache-2.0
"""Expected texts in files: `--update-golden` writes them anew, a missing one fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def check_golden(path: Path, text: str, *, update: bool) -> None:
    """Compare the text with the file, or write it."""
    if update:
        path.write_text(text, encoding="utf-8")
    elif not path.exists():
        pytest.fail(f"{path} is missing; look at the text and run pytest --update-golden")
    else:
        assert text == path.read_text(encoding="utf-8")
