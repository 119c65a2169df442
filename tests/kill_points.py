# SPDX-License-Identifier: Apache-2.0
"""Kills apply, revert and recover of one pair at each of their boundaries, and judges what is left.

Two kill points with the same content on disk are recovered alike, so each content is judged once; every
point is killed all the same, and counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import TYPE_CHECKING, Any, TypeAlias

from crash_world import (
    World,
    apply,
    check_modes,
    disk,
    kill_everywhere,
    recover_world,
    revert,
    state,
)

from kvmrt_plan.apply.run import split_actions
from kvmrt_plan.apply.step import step_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kvmrt_plan.apply.step import Step
    from kvmrt_plan.plan.action import Plan

Action: TypeAlias = Callable[[World, Callable[[str], None]], object]


@dataclass
class Figures:
    """What was done."""

    pairs: int = 0
    #: SIGKILLs, by what was killed.
    killed: dict[str, int] = field(default_factory=dict)
    #: Different contents of the folder that kills have left.
    states: int = 0

    @property
    def points(self) -> int:
        """All SIGKILLs."""
        return sum(self.killed.values())

    def add(self, other: Figures) -> None:
        """Count the other's, too."""
        self.pairs += other.pairs
        self.states += other.states
        for name, number in other.killed.items():
            self.killed[name] = self.killed.get(name, 0) + number


@dataclass(frozen=True)
class Ends:
    """The two states that a run may leave the host in, and the plans that are right then."""

    old: dict[str, Any]
    new: dict[str, Any]
    old_plan: tuple[Any, ...]
    new_plan: tuple[Any, ...]


class KillPoints:
    """All kill points of one world.

    Args:
        world: a host that nobody has changed yet.
        stride: recovery is itself killed at the boundaries of every stride-th content; 0: never.
    """

    def __init__(self, world: World, *, stride: int) -> None:
        self._world = world
        self._stride = stride
        self._seen: set[int] = set()
        self._planned: dict[int, tuple[Any, ...]] = {}
        self.figures = Figures(pairs=1)

    def run(self) -> Figures:
        """Kill everywhere.

        Raises:
            AssertionError: a host is neither old nor new.
        """
        plan = self._world.plan()
        old, old_plan = state(self._world), changes(plan)
        waiting = changes_of(split_actions(plan.actions, self._world.allowed)[1])
        applied = self._world.copy("applied")
        result = apply(applied)
        assert result.status == "applied", result
        assert not result.differs
        new, new_plan = state(applied), changes(applied.plan())
        assert new != old
        # A CPU that has gone is missing in what a thread that waits was bound to.
        assert {_aim(one) for one in new_plan} <= {_aim(one) for one in waiting}
        reverted = applied.copy("reverted")
        assert revert(reverted) == ()
        assert state(reverted) == old
        assert changes(reverted.plan()) == old_plan
        self._kill("apply", self._world, apply, Ends(old, new, old_plan, new_plan))
        self._kill("revert", applied, revert, Ends(new, old, new_plan, old_plan))
        return self.figures

    def _kill(self, name: str, base: World, action: Action, ends: Ends) -> None:
        running = base.copy("running")
        names = []
        for place in kill_everywhere(lambda boundary: action(running, boundary)):
            names.append(place)
            self._count(name)
            left = running.copy("killed")
            self._judge(left, ends, f"{name} {place} ({len(names)})", is_nested=False)
            if place == "after write journal":
                self._judge(_torn(left), ends, f"{name} in {place}", is_nested=False)
        check_pairs(names)

    def _judge(self, left: World, ends: Ends, place: str, *, is_nested: bool) -> None:
        content = hash(frozenset(disk(left).items()))
        if content in self._seen:
            return
        self._seen.add(content)
        self.figures.states += 1
        check_modes(left)
        recovered = left.copy("recovered-deeper" if is_nested else "recovered")
        recover_world(recovered)
        self._check_end(recovered, ends, place)
        if not is_nested and self._stride and self.figures.states % self._stride == 0:
            running = left.copy("recovering")
            names = []
            for name in kill_everywhere(lambda boundary: recover_world(running, boundary)):
                names.append(name)
                self._count("recover")
                deeper = running.copy("killed-deeper")
                self._judge(deeper, ends, f"{place}, recover {name}", is_nested=True)
            check_pairs(names)

    def _check_end(self, world: World, ends: Ends, place: str) -> None:
        """The host is old or new, nothing of the run is left, and planning goes on from there."""
        now = state(world)
        assert now in (ends.old, ends.new), (
            f"{place}: neither old nor new: {_difference(now, ends)}"
        )
        folder = world.folder / "host.json.state"
        assert not (folder / "journal").exists(), place
        assert not (world.folder / "host.json.writes").exists(), place
        check_modes(world)
        wanted = ends.old_plan if now == ends.old else ends.new_plan
        # A plan is made of these files alone.
        seen = hash((world.folder / "host.json").read_bytes() + _volatile_bytes(folder / "run"))
        if seen not in self._planned:
            self._planned[seen] = changes(world.plan())
        assert self._planned[seen] == wanted, place

    def _count(self, name: str) -> None:
        self.figures.killed[name] = self.figures.killed.get(name, 0) + 1


def changes(plan: Plan) -> tuple[Any, ...]:
    """What a plan would do; what it only keeps in place is nothing to do."""
    return changes_of(step_of(one) for one in plan.actions if not one.change.is_kept)


def changes_of(steps: Iterable[Step]) -> tuple[Any, ...]:
    """Steps without their numbers."""
    return tuple((str(one.kind), one.address, one.old, one.new) for one in steps)


def _aim(change: tuple[Any, ...]) -> tuple[Any, ...]:
    """What is wanted, wherever it starts from."""
    kind, address, _, new = change
    return kind, address, new


def _volatile_bytes(folder: Path) -> bytes:
    files = (folder / name for name in ("held.json", "topology.json"))
    return b"".join(path.read_bytes() if path.exists() else b"-" for path in files)


def check_pairs(names: list[str]) -> None:
    """Every system call has a boundary on both sides."""
    open_calls: list[str] = []
    for name in names:
        side, _, what = name.partition(" ")
        if side == "before":
            open_calls.append(what)
        else:
            assert side == "after", name
            assert open_calls.pop() == what, name
    assert not open_calls


def _torn(left: World) -> World:
    """The same with half of the journal's last line: the kernel may stop a killed write(2) in the middle."""
    torn = left.copy("torn")
    journal: Path = torn.folder / "host.json.state" / "journal"
    content = journal.read_bytes()
    start = content.rfind(b"\n", 0, len(content) - 1) + 1
    journal.write_bytes(content[: start + (len(content) - start) // 2])
    return torn


def _difference(now: dict[str, Any], ends: Ends) -> str:
    texts = []
    for name, end in (("old", ends.old), ("new", ends.new)):
        for part, value in now.items():
            if value != end[part]:
                texts.append(f"{part} is not {name}: {_parts(value, end[part])}")
    return "; ".join(texts)


def _parts(value: Any, other: Any) -> str:
    if not isinstance(value, dict) or not isinstance(other, dict):
        return f"{value} and not {other}"
    keys = sorted({*value, *other})
    return "; ".join(
        f"{key}: {_diff(value.get(key), other.get(key))}"
        for key in keys
        if value.get(key) != other.get(key)
    )


def _diff(value: Any, other: Any) -> str:
    lines = [
        str(one).splitlines() if isinstance(one, str) else [repr(one)] for one in (other, value)
    ]
    return "\n".join(unified_diff(*lines, n=0, lineterm=""))
