# SPDX-License-Identifier: Apache-2.0
"""The hosts on which runs are killed: the examples, and generated ones by number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crash_world import EVERYTHING, World, make_world
from hosts_generator import goal_of, make_pair
from kill_points import Figures, KillPoints

from kvmrt_plan.apply.run import split_actions
from kvmrt_plan.facts.document import load_snapshot

if TYPE_CHECKING:
    from kvmrt_plan.changes.change import Disturbance

FOLDER = Path(__file__).resolve().parents[1] / "examples"
EXAMPLES = ("two-socket.yaml", "two-socket.cfg", "further.yaml", "redhawk.yaml")


def example_world(folder: Path, configuration: str, **more: object) -> World:
    """A bundled host, and what the configuration makes of it."""
    name = "redhawk.json" if configuration == "redhawk.yaml" else "two-socket.json"
    snapshot = load_snapshot((FOLDER / name).read_bytes(), file=name)
    goal = goal_of((FOLDER / configuration).read_bytes(), file=configuration)
    return make_world(folder / "base", snapshot, goal, **more)


def pair_world(folder: Path, number: int) -> World:
    """The generated pair of that number; on every third host running guests must not be touched."""
    pair = make_pair(number)
    allowed: frozenset[Disturbance] = frozenset() if number % 3 == 0 else EVERYTHING
    world = make_world(folder / "base", pair.snapshot, pair.goal, allowed=allowed)
    if not split_actions(world.plan().actions, allowed)[0]:
        return World(world.folder, world.goal)
    return world


def run_example(folder: Path, configuration: str, *, stride: int) -> Figures:
    """Kill everywhere; see `KillPoints`."""
    return KillPoints(example_world(folder, configuration), stride=stride).run()


def run_pair(folder: Path, number: int, *, stride: int) -> Figures:
    """Kill everywhere; see `KillPoints`."""
    return KillPoints(pair_world(folder, number), stride=stride).run()
