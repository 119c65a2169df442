# SPDX-License-Identifier: Apache-2.0
"""Commands that run Python inside the lab, each as one process: starting it takes seconds there."""

from __future__ import annotations

import shlex
import subprocess
import sys

from lab.machine import REPOSITORY

#: The module that shows the story.
SHOW = "lab.inside.show"
#: Set inside; tests/lab/inside is collected only then.
INSIDE = "KVMRT_LAB_INSIDE"
#: Tests for a lab with KVM; the show's guest is an emulated one.
KVM_TESTS = ["tests/lab/inside_kvm"]


def pytest_command(selection: list[str]) -> str:
    """Lines for bash that run the selected tests; their report is /lab/junit.xml."""
    compile_checkout()
    words = [
        sys.executable, "-u", "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov",
        "-m", "", "--durations=8", "--junit-xml=/lab/junit.xml", *selection,
    ]  # fmt: skip
    return f"{INSIDE}=1 PYTHONDONTWRITEBYTECODE=1 {shlex.join(words)}"


def python_command(module: str) -> str:
    """Lines for bash that run a module of the tests."""
    compile_checkout()
    words = [sys.executable, "-u", "-m", module]
    path = shlex.quote(str(REPOSITORY / "tests"))
    return f"PYTHONPATH={path} PYTHONDONTWRITEBYTECODE=1 {shlex.join(words)}"


def compile_checkout() -> None:
    """Bytecode is made here, where it takes a second and not half a minute."""
    folders = [str(REPOSITORY / name) for name in ("kvmrt_plan", "tests")]
    subprocess.run([sys.executable, "-m", "compileall", "-q", *folders], check=True)
