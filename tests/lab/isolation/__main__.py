# SPDX-License-Identifier: Apache-2.0
"""`python -m lab.isolation`, what `make lab-isolation` runs: boots the lab, and prints what ran on the CPUs
of an RT guest in every state.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from lab.isolation.boots import BOOTS, count_all
from lab.isolation.table import events, table
from lab.kernel import LabError

_EXIT_LAB_FAILED = 125


def main() -> int:
    """Count, and print the table."""
    parser = argparse.ArgumentParser(prog="lab.isolation", description=__doc__)
    parser.add_argument("--events", action="store_true", help="print every event of each state too")
    parser.add_argument(
        "--boot-arguments",
        action="store_true",
        help="boot twice more, with what TuneD and kvmrt want the kernel to be told",
    )
    parser.add_argument("--folder", help="where each boot leaves its files; default: a new folder")
    arguments = parser.parse_args()
    folder = Path(arguments.folder or tempfile.mkdtemp(prefix="kvmrt-lab-")).resolve()
    try:
        outcome = count_all(folder, _follow, BOOTS if arguments.boot_arguments else ["stock"])
    except LabError as error:
        sys.stderr.write(f"lab: {error}\n")
        return _EXIT_LAB_FAILED
    parts = [table(outcome), *(f"{who}: `{asked}`" for who, asked in outcome.arguments.items())]
    if arguments.events:
        parts += [events(outcome, boot, state) for boot, state in outcome.states]
    sys.stdout.write("\n\n".join(parts) + "\n")
    sys.stderr.write(f"lab: {folder}\n")
    return 0


def _follow(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
