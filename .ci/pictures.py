# SPDX-License-Identifier: Apache-2.0
"""Writes docs/pictures/ from the bundled example (tests/meta compares them with what kvmrt draws)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ("-f", "examples/two-socket.yaml", "--host", "examples/two-socket.json")
#: What `kvmrt map` takes for each picture.
PICTURES = {
    "before-after.svg": ("rt-io", *EXAMPLE, "--before-after"),
    "host.svg": EXAMPLE,
}


def draw(folder: Path) -> None:
    """All pictures, into the folder."""
    for name, arguments in PICTURES.items():
        subprocess.run(
            [sys.executable, "-m", "kvmrt_plan", "map", *arguments, "--svg", str(folder / name)],
            cwd=ROOT,
            check=True,
            stderr=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    draw(ROOT / "docs" / "pictures")
