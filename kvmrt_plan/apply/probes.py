# SPDX-License-Identifier: Apache-2.0
"""Probes: what works before an apply has to work after it.

A probe that fails beforehand says nothing about the apply; it is reported, and does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kvmrt_plan.desired.model import Probe
    from kvmrt_plan.ports import Prober


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """What the probes said before the first write."""

    labels: tuple[str, ...]
    #: False on a simulated host: it has nothing that could be asked.
    was_run: bool = True
    passing: tuple[str, ...] = ()
    #: Each that fails already, with the cause.
    failing: tuple[tuple[str, str], ...] = ()


def run_before(prober: Prober, probes: Sequence[Probe]) -> tuple[tuple[Probe, ...], ProbeReport]:
    """The probes that pass, and a report of all."""
    causes = {probe: prober.failure(probe) for probe in probes}
    counted = tuple(probe for probe in probes if not causes[probe])
    report = ProbeReport(
        labels=tuple(probe.label for probe in probes),
        passing=tuple(probe.label for probe in counted),
        failing=tuple((probe.label, cause) for probe, cause in causes.items() if cause),
    )
    return counted, report


def run_after(prober: Prober, counted: Sequence[Probe]) -> tuple[str, ...]:
    """A text for each probe that passed before and fails now."""
    causes = ((probe.label, prober.failure(probe)) for probe in counted)
    return tuple(
        f"probe {label} passed before and fails now: {cause}" for label, cause in causes if cause
    )
