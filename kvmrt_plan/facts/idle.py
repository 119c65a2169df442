# SPDX-License-Identifier: Apache-2.0
"""Idle states of CPUs: how long each takes to leave, and whether it is switched off.

Source: Documentation/admin-guide/pm/cpuidle.rst. `latency` is in microseconds; `disable` holds 0 or 1, and
only for states that the driver lets one disable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.facts.reading import read_int, read_word

if TYPE_CHECKING:
    from kvmrt_plan.facts.snapshot import Snapshot

IDLE_STATE = "/sys/devices/system/cpu/cpu{}/cpuidle/state{}/disable"


def idle_address(cpu: int, state: int) -> str:
    """The address of a state's switch: `power/idle-state3/5`."""
    return f"power/idle-state{state}/{cpu}"


def parse_idle_states(snapshot: Snapshot) -> tuple[dict[str, str], dict[str, int]]:
    """By address: the switches, and the exit latencies in microseconds.

    Raises:
        FactError: a latency is no number.
    """
    switches: dict[str, str] = {}
    latencies: dict[str, int] = {}
    for cpu, folder in snapshot.numbered("/sys/devices/system/cpu", "cpu"):
        for state, path in snapshot.numbered(f"{folder}/cpuidle", "state"):
            switch = read_word(snapshot, f"{path}/disable")
            latency = read_int(snapshot, f"{path}/latency")
            if switch is not None and latency is not None:
                switches[idle_address(cpu, state)] = switch
                latencies[idle_address(cpu, state)] = latency
    return switches, latencies
