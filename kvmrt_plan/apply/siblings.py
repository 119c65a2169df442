# SPDX-License-Identifier: Apache-2.0
"""The sibling map, written down before the first CPU goes offline.

The kernel forgets which core an offline CPU belongs to, so a plan made later would not know whose sibling
it is. The record grows and is never overwritten with less.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kvmrt_plan.facts.cpu import parse_cpus
from kvmrt_plan.facts.recorded import RECORDED_FORMAT

if TYPE_CHECKING:
    from kvmrt_plan.ports import Host, StateStore

FILE = "topology.json"


def record_siblings(host: Host, volatile: StateStore) -> None:
    """Write the siblings of every CPU that are known now."""
    cpus = parse_cpus(host.capture())
    siblings = {str(cpu): str(cpus.siblings_of(cpu)) for cpu in cpus.cpus}
    document = {"format": RECORDED_FORMAT, "siblings": siblings}
    content = (json.dumps(document, indent=1) + "\n").encode()
    if volatile.read(FILE) != content:
        volatile.replace(FILE, content)
