# SPDX-License-Identifier: Apache-2.0
"""A write that is refused, or reported as failed although it was made: the host is as it was, or the result
says exactly what is not.
"""

from __future__ import annotations

import errno
import os

import pytest
from crash_pairs import example_world, pair_world
from crash_world import Counter, apply, recover_world, revert, state

from kvmrt_plan.apply.addresses import path_of, subject_of
from kvmrt_plan.apply.run import Status
from kvmrt_plan.apply.step import Outcome, step_of
from kvmrt_plan.apply.threads import THREAD_KINDS
from kvmrt_plan.changes.change import Kind
from kvmrt_plan.errors import HostError, WriteRefusedError
from kvmrt_plan.hosts.site import open_site

ERRNOS = ("EIO", "EINVAL", "EBUSY", "ENOSPC", "EACCES")
LIBVIRT = "internal error: qemu unexpectedly closed the monitor"
WORLDS = ("two-socket.yaml", "further.yaml", "redhawk.yaml", "1", "2", "5", "117")


def make(folder, name):
    return example_world(folder, name) if name.endswith("yaml") else pair_world(folder, int(name))


class Failing:
    """A boundary at which one system call fails, and from then on all of its kind if it is `lasting`."""

    def __init__(self, number: int, error: Exception, *, prefix: str, lasting: bool = False):
        self.left, self.error, self.prefix = number, error, prefix
        self.lasting = lasting
        self.failed_at = ""

    def __call__(self, what: str) -> None:
        if not what.startswith(self.prefix):
            return
        if self.left == 0 or (self.lasting and self.left < 0):
            self.failed_at = self.failed_at or what
            self.left -= 1
            raise self.error
        self.left -= 1


def refusal(name: str) -> WriteRefusedError:
    if name == "libvirt":
        return WriteRefusedError("domain", LIBVIRT)
    return WriteRefusedError("file", os.strerror(getattr(errno, name)), errno_name=name)


def boundaries(world, prefix):
    counter = Counter()
    apply(world.copy("counted"), counter)
    return [name for name in counter.names if name.startswith(prefix)]


def differing(world, plan):
    """Addresses whose present value is not the one that the plan was made on."""
    with open_site(world.location, purpose="test") as site:
        from kvmrt_plan.apply.writers import read_unit

        steps = map(step_of, plan.actions)
        return {one.address for one in steps if read_unit(site.host, [one])[0] != one.old}


def named(result):
    return set(result.differs)


def check(world, old, plan, result):
    """Old, or said exactly."""
    if result.status is Status.REVERTED:
        assert result.differs == ()
        assert state(world) == old
    else:
        assert result.status is Status.INCOMPLETE
        different = differing(world, plan)
        assert len(result.differs) == len(different)
        for address in different:
            assert any(text.startswith(f"{address} ") for text in result.differs), result.differs
    assert result.failure
    assert recover_world(world) is None, "the journal was not finished"


def is_immovable(what, failure, kinds):
    """Interrupts that the kernel keeps, queues that cannot be steered, threads that it binds, CPUs that it
    needs.
    """
    if failure == "EINVAL":
        return bool(kinds) and kinds <= THREAD_KINDS
    if failure == "EBUSY":
        return kinds == {Kind.CPU_EVACUATION}
    return failure == "EIO" and what.endswith(("/smp_affinity_list", "/rps_cpus", "/xps_cpus"))


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("failure", [*ERRNOS, "libvirt"])
def test_a_refused_write_leaves_the_host_as_it_was(tmp_path, name, failure):
    base = make(tmp_path, name)
    old, plan = state(base), base.plan()
    writes = boundaries(base, "before host write")
    assert writes
    for number, what in enumerate(writes):
        world = base.copy("failed")
        failing = Failing(number, refusal(failure), prefix="before host write")
        result = apply(world, failing, plan=plan)
        assert failing.failed_at == what
        # One that was moved or right, and has to be moved after a hotplug, is no immovable one.
        failed = [one for one, how in result.outcomes.items() if how is Outcome.FAILED]
        kinds = {one.change.kind for one in plan.actions if one.number in failed}
        if failed and is_immovable(what, failure, kinds) and what not in writes[:number]:
            assert (result.status, len(failed)) == (Status.APPLIED, 1)
        else:
            check(world, old, plan, result)
            assert result.status is Status.REVERTED


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("failure", ["EBUSY", "libvirt"])
def test_a_write_that_was_made_but_reported_as_failed_is_taken_back(tmp_path, name, failure):
    base = make(tmp_path, name)
    old, plan = state(base), base.plan()
    for number in range(len(boundaries(base, "after host write"))):
        world = base.copy("failed")
        failing = Failing(number, refusal(failure), prefix="after host write")
        result = apply(world, failing, plan=plan)
        check(world, old, plan, result)
        assert result.status is Status.REVERTED


@pytest.mark.parametrize("name", WORLDS)
def test_a_host_that_refuses_every_write_from_some_point_on_is_described_exactly(tmp_path, name):
    base = make(tmp_path, name)
    old, plan = state(base), base.plan()
    statuses = set()
    writes = boundaries(base, "before host write")
    for number in range(len(writes)):
        world = base.copy("failed")
        failing = Failing(number, refusal("EBUSY"), prefix="before host write", lasting=True)
        result = apply(world, failing, plan=plan)
        check(world, old, plan, result)
        statuses.add(result.status)
    # The first write that fails leaves nothing to be taken back.
    assert statuses == set([Status.REVERTED, Status.INCOMPLETE][: len(writes)])


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("failure", ["ENOSPC", "EIO"])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from-then-on"])
def test_a_state_folder_that_cannot_be_written_leaves_the_host_old_or_new(
    tmp_path, name, failure, lasting
):
    base = make(tmp_path, name)
    old, plan = state(base), base.plan()
    applied = base.copy("applied")
    apply(applied)
    new = state(applied)
    places = [one for one in boundaries(base, "before ") if is_of_state(one)]
    for number in range(len(places)):
        world = base.copy("failed")
        error = OSError(getattr(errno, failure), os.strerror(getattr(errno, failure)))
        failing = Failing(number, error, prefix="before ", lasting=lasting)
        outcome = attempt(world, OfState(failing), plan)
        assert failing.failed_at, places[number]
        if outcome in (Status.REVERTED, "refused"):
            assert state(world) == old, places[number]
        recover_world(world)
        assert state(world) == (new if outcome is Status.APPLIED else old), places[number]


@pytest.mark.parametrize("name", WORLDS)
def test_a_revert_whose_journal_cannot_be_written_leaves_the_host_old_or_new(tmp_path, name):
    base = make(tmp_path, name)
    old = state(base)
    apply(base)
    new = state(base)
    counter = Counter()
    revert(base.copy("counted"), counter)
    places = [one for one in counter.names if is_of_state(one) and one.startswith("before ")]
    for number in range(len(places)):
        world = base.copy("failed")
        failing = Failing(number, OSError(errno.ENOSPC, "full"), prefix="before ", lasting=True)
        with pytest.raises(HostError, match="full") as raised:
            revert(world, OfState(failing))
        recover_world(world)
        is_undone = "as it was before the revert" in str(raised.value)
        # The first three write the header; without it nothing is begun.
        assert state(world) == (new if is_undone or number < 3 else old), places[number]


def attempt(world, boundary, plan):
    """How it ended; "refused" when nothing was begun."""
    try:
        return apply(world, boundary, plan=plan).status
    except HostError:
        return "refused"


def is_of_state(what):
    return "host write" not in what and "host.json" not in what and "unlink log" not in what


class OfState:
    """Passes on the boundaries of the state folders only."""

    def __init__(self, boundary):
        self.boundary = boundary

    def __call__(self, what):
        if is_of_state(what):
            self.boundary(what)


def test_an_address_that_plans_never_have_is_no_path():
    with pytest.raises(Exception, match="no address of kind"):
        path_of(Kind.IRQ_AFFINITY, "irq/../../etc/passwd")
    assert subject_of(Kind.CPU_ONLINE, "cpu/12") == "12"
