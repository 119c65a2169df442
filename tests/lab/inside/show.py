# SPDX-License-Identifier: Apache-2.0
"""What `make lab` shows: a real-time VM is applied, booted, looked at and shut down, and every value of the
host is compared with the one before.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lab.inside.host_values import differences, host_values, without_cpusets
from lab.inside.story import CONFIGURATION, NAME, kvmrt, make_guest

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Where the complete texts are left, for who looks closer.
_LEFT = Path("/lab")


def main() -> int:
    """The story, and 0 when every step went well and nothing differs."""
    _say("The host")
    _print(_host())
    file = make_guest(Path("/etc"))
    _say(f"{file}")
    _print(CONFIGURATION)
    before = host_values()
    codes = [_show("plan", "-f", file, NAME)]
    codes.append(_show("apply", "-f", file, "--yes", NAME))
    codes.append(_show("boot", "-f", file, NAME))
    codes.append(_show("stat", "-t", "-f", file))
    codes.append(_show("plan", "-f", file, "--detailed-exitcode", NAME))
    codes.append(_show("shutdown", "-f", file, "--timeout", "60", NAME))
    left = differences(before, host_values())
    return _judge(codes, len(before), left)


def _host() -> str:
    lines = subprocess.run(["lscpu"], check=True, capture_output=True, text=True).stdout
    wanted = ("CPU(s):", "On-line", "Thread(s)", "Core(s)", "Socket(s)", "NUMA node")
    chosen = [line for line in lines.splitlines() if line.strip().startswith(wanted)]
    return "\n".join([f"Linux {platform.release()}  {platform.version()}", *chosen])


def _show(*arguments: str) -> int:
    """A command with its output, its time and its exit code."""
    _say(f"$ kvmrt {' '.join(arguments)}")
    begin = time.monotonic()
    status, output = kvmrt(*arguments)
    _print(output)
    _print(f"[exit code {status}, {time.monotonic() - begin:.0f} s]")
    return status


def _judge(codes: Sequence[int], count: int, left: dict[str, tuple[str, str]]) -> int:
    """The comparison in words."""
    _say("Every value of the host, before and afterwards")
    (_LEFT / "differences.json").write_text(json.dumps(left, indent=1))
    rest = without_cpusets(left)
    _print(f"compared: {count} values, read file by file")
    if len(left) != len(rest):
        _print(f"{len(left) - len(rest)} files of cgroups are there because systemd leaves the cpuset "
               "controller on")  # fmt: skip
    for path, (was, now) in rest.items():
        _print(f"DIFFERS {path}\n  before     {was}\n  afterwards {now}")
    _print(f"{len(rest)} differ" if rest else "no other differs" if left else "none differs")
    return 0 if not any(codes) and not rest else 1


def _say(title: str) -> None:
    _print(f"\n== {title}")


def _print(text: str) -> None:
    sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    os.environ.setdefault("COLUMNS", "80")
    sys.exit(main())
