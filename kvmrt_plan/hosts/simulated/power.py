# SPDX-License-Identifier: Apache-2.0
"""Governors and energy preferences of a simulated host, as intel_pstate in its active mode has them.

The governor `performance` makes the preference `performance`, refuses any other with EBUSY, and gives the one
before back when it goes (drivers/cpufreq/intel_pstate.c, intel_pstate_hwp_set).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.hosts.simulated.refusal import refusal

if TYPE_CHECKING:
    from kvmrt_plan.hosts.simulated.texts import Texts

PREFERENCE = "/cpufreq/energy_performance_preference"
_GOVERNOR = "/cpufreq/scaling_governor"
_FIXED = "performance"
_PREFERENCES = frozenset(
    {"default", "performance", "balance_performance", "balance_power", "power"}
)


def write_governor(texts: Texts, path: str, word: str) -> None:
    """The governor, and the preference that goes with it."""
    files: dict[str, str | None] = {path: f"{word}\n"}
    dormant: dict[str, str | None] = {}
    preference = path.removesuffix(_GOVERNOR) + PREFERENCE
    # Not below the CPU's folder: it is no file that comes back with the CPU.
    saved = f"/saved{preference}"
    if preference in texts.files:
        if word == _FIXED and saved not in texts.dormant:
            dormant[saved] = texts.files[preference]
            files[preference] = f"{_FIXED}\n"
        elif word != _FIXED and saved in texts.dormant:
            files[preference] = texts.dormant[saved]
            dormant[saved] = None
    texts.change(files=files, dormant=dormant)


def write_preference(texts: Texts, path: str, word: str) -> None:
    """A word that the driver knows."""
    if word not in _PREFERENCES:
        raise refusal(path, "EINVAL")
    governor = texts.files.get(path.removesuffix(PREFERENCE) + _GOVERNOR, "").strip()
    if governor == _FIXED and word != _FIXED:
        raise refusal(path, "EBUSY")
    texts.change(files={path: f"{word}\n"})
