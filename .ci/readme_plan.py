# SPDX-License-Identifier: Apache-2.0
"""Writes what the README's example command prints into the README (tests/meta compares the two)."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(?<=^```text\n)\$ kvmrt (.*?)\n.*?(?=^```$)", re.MULTILINE | re.DOTALL)


def printed(block: re.Match[str]) -> str:
    """The command and its output on a terminal of 80 columns."""
    plan = subprocess.run(
        [sys.executable, "-m", "kvmrt_plan", *shlex.split(block[1])],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80"},
        check=True,
        capture_output=True,
        text=True,
    )
    return f"$ kvmrt {block[1]}\n{plan.stdout}"


readme = ROOT / "README.md"
readme.write_text(BLOCK.sub(printed, readme.read_text(encoding="utf-8")), encoding="utf-8")
