# SPDX-License-Identifier: Apache-2.0
"""A configuration file's bytes to the desired state, with every problem found in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.desired.decode import MAX_CONFIGURATION_BYTES, decode_text
from kvmrt_plan.desired.problems import Problems

if TYPE_CHECKING:
    from kvmrt_plan.desired.model import Configuration
    from kvmrt_plan.diagnostics import Finding

__all__ = ["MAX_CONFIGURATION_BYTES", "is_yaml", "load_configuration", "read_text"]

_YAML_SUFFIXES = (".yaml", ".yml")
_INI_SUFFIXES = (".cfg", ".ini", ".conf")


def load_configuration(
    content: bytes, *, file: str
) -> tuple[Configuration | None, tuple[Finding, ...]]:
    """The configuration in `content`, and what is wrong with it.

    `file` is the name as the user gave it: its suffix chooses between YAML and INI, and findings and
    sources carry it. The configuration is None as soon as there is any finding: a plan from the rest
    of a file would take CPUs from VMs that it does not know.
    """
    problems = Problems(file)
    text = decode_text(content, problems)
    if text is None:
        return None, problems.findings()
    configuration = read_text(text, problems, is_yaml=is_yaml(file, text))
    return (None if problems else configuration), problems.findings()


def is_yaml(file: str, text: str) -> bool:
    """Whether a file is YAML: by its suffix, otherwise by its first line that says something."""
    name = file.lower()
    if name.endswith(_YAML_SUFFIXES + _INI_SUFFIXES):
        return name.endswith(_YAML_SUFFIXES)
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped and not stripped.startswith(("#", ";")):
            return not stripped.startswith("[")
    return False


def read_text(text: str, problems: Problems, *, is_yaml: bool) -> Configuration:
    """What could be read of a text whose format is known."""
    # Only the reader that is needed is loaded: the YAML parser alone costs 20 ms.
    if is_yaml:
        from kvmrt_plan.desired.yaml import read_yaml

        return read_yaml(text, problems)
    from kvmrt_plan.desired.ini import read_ini

    return read_ini(text, problems)
