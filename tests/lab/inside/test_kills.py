# SPDX-License-Identifier: Apache-2.0
"""A run that is killed at any moment leaves, after `kvmrt recover`, the old state or the new one."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from lab.inside.host_values import differences, host_values
from lab.inside.story import DOMAIN, NAME, configuration_of, kvmrt, make_guest, start_kvmrt

libvirt = pytest.importorskip("libvirt")
pytestmark = pytest.mark.skipif(
    not os.path.exists("/run/libvirt/libvirt-sock"), reason="the lab was booted without libvirt"
)

#: Three CPUs of the VM's are enough here, and take less time.
CONFIGURATION = configuration_of(cpuset="2,4,6", nr_vcpus=2)
SMALL = DOMAIN.replace("'static'>4<", "'static'>2<")
KILLS = int(os.environ.get("KVMRT_LAB_KILLS", "0"))
HELD = Path("/run/kvmrt/held.json")


class State(NamedTuple):
    """What is compared: the host, and the guest's definition."""

    values: dict[str, str]
    definition: str


class World:
    """The guest with its configuration, and how long its runs take."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = make_guest(folder, configuration=CONFIGURATION, domain=SMALL)
        # Once to and fro: what Linux and systemd do not take back is in every reading then.
        self.boot()
        self.shutdown()
        self.off = state()
        self.boot_seconds = timed(self.boot)
        self.on = state()
        self.shutdown_seconds = timed(self.shutdown)
        assert left(self.off) == {}

    def boot(self) -> None:
        """The guest runs under its policies."""
        status, output = kvmrt("boot", "-f", self.file, NAME)
        assert status == 0, output

    def shutdown(self) -> None:
        """It is off, and nothing is held."""
        status, output = kvmrt("shutdown", "-f", self.file, "--timeout", "120", NAME)
        assert status == 0, output
        assert json.loads(HELD.read_text())["values"] == {}

    def killed(self, seconds: float, *arguments: str) -> int:
        """The wait status of a command that was killed after so long."""
        process = start_kvmrt(self.folder / "killed", *arguments)
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
        return os.waitpid(process, 0)[1]


def timed(what) -> float:
    begin = time.monotonic()
    what()
    return time.monotonic() - begin


def guest(call):
    connection = libvirt.open("qemu:///system")
    try:
        return call(connection.lookupByName(NAME))
    finally:
        connection.close()


def state() -> State:
    return State(host_values(), guest(lambda one: one.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)))


def left(wanted: State) -> dict[str, tuple[str, str]]:
    """What is not as it should be, by path; `definition` for the guest's."""
    now = state()
    found = differences(wanted.values, now.values)
    if now.definition != wanted.definition:
        found["definition"] = (wanted.definition, now.definition)
    return found


def is_running() -> bool:
    return bool(guest(lambda one: one.isActive()))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("kills"))


class Figures:
    """What came of the kills, for people: in /lab while they go on."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._outcomes: list[dict[str, object]] = []

    def add(self, **outcome: object) -> None:
        self._outcomes.append(outcome)
        Path(f"/lab/kills-{self._name}.json").write_text(json.dumps(self._outcomes, indent=1))

    @property
    def interrupted(self) -> int:
        """How many had not ended before they were killed."""
        return sum(one["code"] == signal.SIGKILL for one in self._outcomes)


def recover() -> str:
    status, output = kvmrt("recover")
    assert status == 0, output
    return output


@pytest.mark.skipif(KILLS == 0, reason="KVMRT_LAB_KILLS is 0")
@pytest.mark.parametrize("command", ["boot", "shutdown"])
def test_a_killed_run_leaves_the_old_state_or_the_new_one(world, command):
    chance, figures = random.Random(command), Figures(command)
    longest = world.boot_seconds if command == "boot" else world.shutdown_seconds
    while figures.interrupted < KILLS:
        if command == "shutdown":
            world.boot()
        moment = chance.uniform(0.02, 0.95) * longest
        code = world.killed(moment, command, "-f", world.file, NAME)
        output = recover()
        runs = is_running()
        found = left(world.on if runs else world.off)
        figures.add(after=round(moment, 1), code=code, recover=output, runs=runs, left=found)
        assert found == {}, output
        if runs:
            world.shutdown()
            assert left(world.off) == {}
        if code != signal.SIGKILL:
            # It had ended before: the machine is faster than it was.
            longest *= 0.8


@pytest.mark.skipif(KILLS == 0, reason="KVMRT_LAB_KILLS is 0")
def test_a_killed_apply_is_recovered_without_a_difference(world):
    arguments = ("apply", "-f", world.file, "--yes", NAME)
    longest = timed(lambda: kvmrt(*arguments))
    assert kvmrt("revert", "--yes")[0] == 0
    chance, figures = random.Random("apply"), Figures("apply")
    while figures.interrupted < KILLS:
        moment = chance.uniform(0.1, 0.95) * longest
        code = world.killed(moment, *arguments)
        output = recover()
        if json.loads(HELD.read_text())["values"]:
            # It had ended, or was committed, before it was killed.
            output += kvmrt("revert", "--yes")[1]
        found = left(world.off)
        figures.add(after=round(moment, 1), code=code, recover=output, left=found)
        assert found == {}, output
        if code != signal.SIGKILL:
            longest *= 0.8
