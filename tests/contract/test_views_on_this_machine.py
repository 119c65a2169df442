# SPDX-License-Identifier: Apache-2.0
"""The views agree, for every entry, with the kernel's files and with taskset and chrt."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = "from kvmrt_plan.cli.entry import entry; entry()"


def document(repository: Path, *argv: str) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *argv, "--json"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout)


def text_of(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        return None


def test_interrupts_agree_with_proc(repository: Path) -> None:
    folders = {path.name for path in Path("/proc/irq").iterdir() if path.is_dir()}
    before = Path("/proc/interrupts").read_text()
    found = document(repository, "irqs")
    after = Path("/proc/interrupts").read_text()

    shown = {str(irq["number"]): irq for irq in found["irqs"]}
    assert folders <= shown.keys()
    for number, irq in shown.items():
        folder = Path("/proc/irq") / number
        assert irq["affinity"] == text_of(folder / "smp_affinity_list")
        assert irq["effective"] == text_of(folder / "effective_affinity_list")
    low, high = rows(before), rows(after)
    counted = {number: irq["counts"] for number, irq in shown.items() if irq["counts"]}
    counted |= {other["name"]: other["counts"] for other in found["others"]}
    assert counted.keys() == low.keys()
    for label, counts in counted.items():
        first, last = low[label][0], high[label][0]
        assert all(a <= b <= c for a, b, c in zip(first, counts.values(), last, strict=True))
    for number, irq in shown.items():
        if number in low:
            assert low[number][1].endswith(", ".join(irq["names"]))


def rows(table: str) -> dict[str, tuple[list[int], str]]:
    """Counts and the rest of the rows that have a count per CPU."""
    header, *lines = table.splitlines()
    columns = len(header.split())
    found = {}
    for line in lines:
        label, _, rest = line.partition(":")
        words = rest.split(None, columns)
        if len(words) >= columns:
            tail = words[columns].strip() if len(words) > columns else ""
            found[label.strip()] = ([int(word) for word in words[:columns]], tail)
    return found


@pytest.mark.skipif(not shutil.which("chrt"), reason="no util-linux")
def test_threads_agree_with_taskset_and_chrt(repository: Path) -> None:
    compared = 0
    for task in document(repository, "tasks")["tasks"]:
        tid = str(task["tid"])
        affinity = said(["taskset", "-pc", tid], r"list: (.*)")
        policy = said(["chrt", "-p", tid], r"policy: (SCHED_\w+)")
        priority = said(["chrt", "-p", tid], r"priority: (\d+)")
        if None in (affinity, policy, priority):
            assert not Path(f"/proc/{tid}/task/{tid}").exists()
            continue
        compared += 1
        assert (task["affinity"], task["policy"], str(task["priority"])) == (
            listed(affinity),
            policy,
            priority,
        )
    assert compared >= len(os.listdir("/proc/self/task"))


def said(command: list[str], pattern: str) -> str | None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    matched = re.search(pattern, ran.stdout)
    return matched[1] if matched else None


def listed(text: str | None) -> str:
    """Taskset writes `0-6:2` for `0,2,4,6`."""
    numbers: set[int] = set()
    for part in (text or "").split(","):
        span, _, step = part.partition(":")
        first, _, last = span.partition("-")
        numbers |= set(range(int(first), int(last or first) + 1, int(step or 1)))
    from kvmrt_plan.values.cpuset import CpuSet

    return str(CpuSet(numbers))


def test_topology_agrees_with_the_kernel_list_of_cpus(repository: Path) -> None:
    online = [cpu["id"] for cpu in document(repository, "topology")["cpus"] if cpu["online"]]
    from kvmrt_plan.values.cpuset import CpuSet

    assert str(CpuSet(online)) == text_of(Path("/sys/devices/system/cpu/online"))
