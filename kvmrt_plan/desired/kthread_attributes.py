# SPDX-License-Identifier: Apache-2.0
"""The attributes of the part kernel_threads: texts to values, and the part of a YAML configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.desired.attribute import MAX_PRIORITY, BadValue, integer_parser, word_parser
from kvmrt_plan.desired.kthread_model import Above, KernelThreads, Unbound
from kvmrt_plan.desired.yaml_values import NodeReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmrt_plan.desired.yaml_tree import Node

_WHERE = "host: kernel_threads"
#: Threads that have a priority.
PRIORITIES = ("rcuc", "ktimers", "ksoftirqd", "rcub")


def parse_kthread_priority(text: str) -> int | Above:
    """A real-time priority, or above-guests."""
    if text == Above.GUESTS:
        return Above.GUESTS
    try:
        return integer_parser(1, MAX_PRIORITY)(text)
    except BadValue:
        raise BadValue(
            f"a priority from 1 to {MAX_PRIORITY} or {Above.GUESTS} is expected",
            f"write {Above.GUESTS}, or a number that is above the priority of the vCPUs",
        ) from None


KTHREAD_ATTRIBUTES: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(PRIORITIES, parse_kthread_priority),
    "unbound": word_parser(Unbound),
}


class KthreadReader(NodeReader):
    """The part to its values."""

    def read_kthreads(self, node: Node) -> KernelThreads | None:
        """The policy; attributes that could not be read are unmanaged."""
        values = self.policy(node, _WHERE, KTHREAD_ATTRIBUTES)
        return None if values is None else KernelThreads(**values)
