# SPDX-License-Identifier: Apache-2.0
"""The layers of docs/architecture.md hold, and a breach of them is noticed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [LINT_IMPORTS, "--no-cache", "--no-logo", "--config", folder / "pyproject.toml"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_module_imports_only_from_layers_below_it(repository):
    checked = lint_imports(repository)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "Contracts: 2 kept, 0 broken." in checked.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("facts/cpu.py", "import kvmrt_plan.placement.place", "layers below it BROKEN"),
        (
            "facts/cpu.py",
            "if TYPE_CHECKING:\n    from kvmrt_plan.plan.action import Plan",
            "layers below it BROKEN",
        ),
        ("plan/make.py", "import subprocess", "no input or output BROKEN"),
        ("somewhere.py", "import kvmrt_plan.values", "somewhere"),
    ],
    ids=["upward import", "upward type", "input in the core", "module outside all layers"],
)
def test_a_breach_is_noticed(repository, tmp_path, module, line, contract):
    shutil.copytree(
        repository / "kvmrt_plan",
        tmp_path / "kvmrt_plan",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(repository / "pyproject.toml", tmp_path)
    changed = tmp_path / "kvmrt_plan" / module
    before = changed.read_text(encoding="utf-8") if changed.exists() else ""
    changed.write_text(f"{before}\n{line}\n", encoding="utf-8")

    checked = lint_imports(tmp_path)

    assert checked.returncode != 0
    assert contract in checked.stdout + checked.stderr
