# SPDX-License-Identifier: Apache-2.0
"""Huge pages reserved per NUMA node and size."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class HugepagePool:
    """One size on one node; a host without NUMA has node None."""

    node: int | None
    size_kib: int
    total: int
    free: int
