# SPDX-License-Identifier: Apache-2.0
"""The files of the project, for tests that look at all of them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent

#: What tools leave in a working tree; only of use where there is no git to ask.
_LEFT_BEHIND = {
    ".git", ".venv", ".cache", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache",
    "__pycache__", "build", "dist",
}  # fmt: skip


def project_files(*suffixes: str) -> list[Path]:
    """Tracked files, and new ones that are not ignored; in an exported tree all that lie there."""
    listed = _listed_by_git() if (REPOSITORY / ".git").exists() else _walked()
    found = [path for path in sorted(listed) if path.is_file()]
    return [path for path in found if not suffixes or path.suffix in suffixes]


def package_files() -> list[Path]:
    """The modules of the product."""
    return [path for path in project_files(".py") if path.is_relative_to(REPOSITORY / "kvmrt_plan")]


def shown(path: Path) -> str:
    """The path as a message names it."""
    return str(path.relative_to(REPOSITORY))


def _listed_by_git() -> list[Path]:
    asked = ["git", "-C", str(REPOSITORY), "-c", f"safe.directory={REPOSITORY}", "ls-files", "-z",
             "--cached", "--others", "--exclude-standard"]  # fmt: skip
    names = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    return [REPOSITORY / name for name in names.split("\0") if name]


def _walked() -> list[Path]:
    found = []
    for folder, folders, names in os.walk(REPOSITORY):
        folders[:] = [
            name for name in folders if name not in _LEFT_BEHIND and not name.endswith(".egg-info")
        ]
        found += [Path(folder, name) for name in names]
    return found
