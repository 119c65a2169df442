# SPDX-License-Identifier: Apache-2.0
"""The attributes of the kvm part: texts to values, and the part of a YAML configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kvmrt_plan.desired.attribute import integer_parser, parse_bool, word_parser
from kvmrt_plan.desired.kvm_model import KvmPolicy, NxHugePages
from kvmrt_plan.desired.yaml_values import NodeReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvmrt_plan.desired.yaml_tree import Node

_MOST = 2**31 - 1
_WHERE = "host: kvm"

KVM_ATTRIBUTES: dict[str, Callable[[str], Any]] = {
    "kvmclock_periodic_sync": parse_bool,
    "nx_huge_pages": word_parser(NxHugePages),
    "halt_poll_ns": integer_parser(0, _MOST),
    "ple_gap": integer_parser(0, _MOST),
    "pause_filter_count": integer_parser(0, 65535),
}


class KvmReader(NodeReader):
    """The kvm part to its values."""

    def read_kvm(self, node: Node) -> KvmPolicy | None:
        """The policy; attributes that could not be read are unmanaged."""
        values = self.policy(node, _WHERE, KVM_ATTRIBUTES)
        return None if values is None else KvmPolicy(**values)
