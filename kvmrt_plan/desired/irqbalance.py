# SPDX-License-Identifier: Apache-2.0
"""What a configuration says of irqbalance."""

from __future__ import annotations

from enum import StrEnum


class IrqbalancePolicy(StrEnum):
    """Whether irqbalance is told which CPUs to leave alone."""

    UNMANAGED = "unmanaged"
    MANAGED = "managed"
