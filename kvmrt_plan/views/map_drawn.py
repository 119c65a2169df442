# SPDX-License-Identifier: Apache-2.0
"""From facts, placement and plan to the maps that are drawn, folded where the host is large."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.views.map_fold import fold_map
from kvmrt_plan.views.map_model import HostMap, MapSource, host_map
from kvmrt_plan.views.map_state import deviations, state_after, state_of

if TYPE_CHECKING:
    from kvmrt_plan.diagnostics import Finding
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import Placement
    from kvmrt_plan.plan.action import Plan

#: CPUs above which a map is folded by itself: in a terminal, where 128 take two screens, in a drawing, and
#: in a report, of which a printed page holds 256 that one can read.
TEXT_FOLDS_ABOVE = 128
DRAWING_FOLDS_ABOVE = 1024
REPORT_FOLDS_ABOVE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One map of the host as it is, or that and one of the host as the plan will make it."""

    whole: tuple[HostMap, ...]
    findings: tuple[Finding, ...]

    def maps(self, fold: str, *, above: int = TEXT_FOLDS_ABOVE) -> tuple[HostMap, ...]:
        """The maps, folded as `--fold` says: `always`, `never`, or `auto` for more CPUs than that."""
        count = sum(len(cell.cpus) for cell in self.whole[0].cells())
        if fold == "always" or (fold == "auto" and count > above):
            return tuple(map(fold_map, self.whole))
        return self.whole


def draw(
    facts: HostFacts,
    placement: Placement | None = None,
    plan: Plan | None = None,
    *,
    has_after: bool = False,
) -> Drawn:
    """The maps. A plan with errors has no actions, so that nothing can be drawn after it.

    Raises:
        DomainXmlError: a domain's XML cannot be read.
    """
    before = state_of(facts)
    if plan is None:
        source = MapSource(facts=facts, placement=placement, states=(before,))
        return Drawn(whole=(host_map(source, before),), findings=())
    unlike = deviations(plan.actions)
    after = state_after(before, plan.actions)
    source = MapSource(facts=facts, placement=placement, states=(before, after))
    if not has_after or plan.is_errored:
        alone = host_map(source, before, deviations=unlike)
        return Drawn(whole=(alone,), findings=plan.findings)
    return Drawn(
        whole=(
            host_map(source, before, title="before", deviations=unlike),
            host_map(source, after, title="after"),
        ),
        findings=plan.findings,
    )
