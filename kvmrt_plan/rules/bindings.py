# SPDX-License-Identifier: Apache-2.0
"""Rules about memory bindings that libvirt's XML has beyond the node set, which are not kvmrt's to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.diagnostics import Finding, Severity
from kvmrt_plan.domainxml.numa import cell_bindings, memory_mode
from kvmrt_plan.values.cpuset import EMPTY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.placement.model import VmPlacement
    from kvmrt_plan.rules.subject import Subject

_LOOSE = {"preferred": "prefers its node, and takes other nodes' memory when that is short",
          "interleave": "spreads the pages over the nodes, whichever CPU uses them"}  # fmt: skip


def bindings_do_not_undo_the_nodes(subject: Subject, facts: HostFacts) -> Iterator[Finding]:
    """A loose mode, or a guest cell that is bound elsewhere, lets memory come from another node."""
    for one in subject.rt:
        domain = facts.domains.get(one.vm.uuid)
        if domain is None or not one.nodes:
            continue
        root = subject.definition(domain)
        mode = memory_mode(root)
        if mode in _LOOSE:
            yield _finding(one, f"its numatune mode {mode} {_LOOSE[mode]}")
        for cell, nodes in cell_bindings(root).items():
            if nodes - one.nodes:
                text = f"memory of guest cell {cell} is bound to node {nodes}, not {one.nodes}"
                yield _finding(one, text)


def _finding(one: VmPlacement, text: str) -> Finding:
    return Finding(
        code="KR136",
        severity=Severity.WARNING,
        summary=f"{one.vm.name}: {text}",
        detail="kvmrt sets the nodes of <numatune><memory> and leaves its mode and <memnode> alone",
        remedy=f"run `virsh edit {one.vm.name}` and make the mode strict, and each memnode's nodeset "
        f"a part of {one.nodes or EMPTY}",
        source=one.vm.source_of("numatune"),
        vm=one.vm.name,
    )


HOST_RULES = (bindings_do_not_undo_the_nodes,)
