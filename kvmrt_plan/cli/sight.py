# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt top` knows of the host, and when it has to look again.

A look makes a whole plan. It is made anew when something has changed that a plan is made from, and once a
minute for what is not watched; but never so often that looking takes more than half a percent of a CPU.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from kvmrt_plan.cli.map import read_drawn
from kvmrt_plan.cli.options import DEFAULT_CONFIGURATIONS
from kvmrt_plan.diagnostics import Severity
from kvmrt_plan.errors import KvmrtError
from kvmrt_plan.hosts.watch import Watch

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.views.map_model import HostMap

_SECONDS = 60.0
#: Looking may take this part of one CPU, beside the frames, which take half of one percent.
_SHARE = 0.005


class Sight:
    """The map of this machine as it was last seen; `problem` says why it cannot be compared."""

    host: HostMap

    def __init__(self, arguments: argparse.Namespace) -> None:
        """Looks for the first time.

        Raises:
            KvmrtError: there is nothing to show: the configuration cannot be read.
        """
        self._arguments = arguments
        self._has_changed = False
        self._look()

    def is_due(self) -> bool:
        """Whether it is time for another look. Asked for once a second."""
        self._has_changed = self._has_changed or self._watch.has_changed()
        age = time.monotonic() - self._at
        return age > self._took / _SHARE and (self._has_changed or age > _SECONDS)

    def renew(self) -> None:
        """Looks again. What cannot be read any more is the problem, and the map stays as it was."""
        try:
            self._look()
        except KvmrtError as error:
            self.problem = f"shown as it was before: {error}"

    def _look(self) -> None:
        begun = time.process_time()
        try:
            # First, so that a change during the look is seen after it.
            files = [self._arguments.file] if self._arguments.file else DEFAULT_CONFIGURATIONS
            self._watch, self._has_changed = Watch(map(os.path.realpath, files)), False
            drawn = read_drawn(self._arguments)
            self.host, self.problem = drawn.whole[0], problem_of(drawn.findings)
        finally:
            self._took = time.process_time() - begun
            self._at = time.monotonic()


def problem_of(findings: tuple[Finding, ...]) -> str:
    """Why nothing is compared with the configuration: it has errors, of which the first is told."""
    errors = [one for one in findings if one.severity is Severity.ERROR]
    if not errors:
        return ""
    count = f"{len(errors)} error{'s' * (len(errors) != 1)}"
    place = f"{errors[0].source}: " if errors[0].source else ""
    return (
        f"The configuration has {count}, so that nothing is compared with it (kvmrt validate tells all): "
        f"{place}{errors[0].code} {errors[0].summary}"
    )
