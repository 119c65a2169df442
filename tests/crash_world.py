# SPDX-License-Identifier: Apache-2.0
"""Runs that are killed: a simulated host in a folder, actions on it, and what must be true afterwards.

A process that runs an action is killed at a boundary: before or after a write, fsync, mkdir, rename,
truncate or unlink of the state folders, and before or after a write to the host. What it leaves in the
folder is then recovered and judged.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import shutil
import signal
import stat
import sys
import traceback
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from kvmrt_plan.apply.history import find_run, read_history, revert_run
from kvmrt_plan.apply.journal import APPLY, REVERT, Header
from kvmrt_plan.apply.recover import recover
from kvmrt_plan.apply.run import Proof, Site, Terms, apply_steps, split_actions
from kvmrt_plan.changes.change import Disturbance
from kvmrt_plan.domainxml.document import parse_domain
from kvmrt_plan.domainxml.outline import outline
from kvmrt_plan.facts.document import dump_snapshot
from kvmrt_plan.facts.task import parse_allowed
from kvmrt_plan.hosts.simulated.affinity import with_affinity
from kvmrt_plan.hosts.simulated.storage import read_snapshot_file
from kvmrt_plan.hosts.site import Location, OpenSite, open_site, with_state
from kvmrt_plan.hosts.state import FolderStore, no_boundary
from kvmrt_plan.pipeline import plan_host
from kvmrt_plan.values.cpuset import CpuSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from kvmrt_plan.apply.recover import Recovery
    from kvmrt_plan.apply.run import Result
    from kvmrt_plan.facts.snapshot import Snapshot
    from kvmrt_plan.plan.action import Plan
    from kvmrt_plan.plan.goal import Goal

EVERYTHING = frozenset({Disturbance.GUEST})

#: Chosen by the kernel among the CPUs it may use, and not chosen again when it may use more.
_GUESTS = "/sys/fs/cgroup/machine.slice"
_KERNEL_STATUS = re.compile(r"/proc/\d+/status")
_EFFECTIVE = re.compile(r"/proc/irq/\d+/effective_affinity(_list)?")


@dataclass(frozen=True)
class World:
    """A simulated host in a folder of its own, and what it should become."""

    folder: Path
    goal: Goal
    allowed: frozenset[Disturbance] = EVERYTHING

    @property
    def location(self) -> Location:
        """As the command line names it."""
        return Location(snapshot=str(self.folder / "host.json"))

    def copy(self, name: str) -> World:
        """The same, elsewhere."""
        folder = self.folder.with_name(name)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.folder, folder)
        return World(folder, self.goal, self.allowed)

    def snapshot(self) -> Snapshot:
        """The host as `kvmrt plan` sees it."""
        location = self.location
        volatile = FolderStore(location.volatile_path)
        return with_state(read_snapshot_file(location.snapshot), volatile)

    def plan(self) -> Plan:
        """What is left to be done."""
        return plan_host(self.goal, self.snapshot())


def make_world(folder: Path, snapshot: Snapshot, goal: Goal, **more: object) -> World:
    """A fresh host in the folder, which is made."""
    folder.mkdir(parents=True)
    (folder / "host.json").write_text(dump_snapshot(snapshot), encoding="ascii")
    return World(folder, goal, **more)


def header(purpose: str, *, digest: str = "0" * 64, site: OpenSite, **more: object) -> Header:
    """Of a run that begins now; ids ascend."""
    number = len(site.state.names("history"))
    return Header(
        id=f"run-{number:04}",
        purpose=purpose,
        plan_digest=digest,
        host=site.host.name,
        boot_id=site.boot_id,
        user="tester",
        started="2026-11-22T10:12:00Z",
        **more,
    )


def site_of(opened: OpenSite) -> Site:
    """What the engine takes."""
    return Site(
        host=opened.host, state=opened.state, volatile=opened.volatile, boot_id=opened.boot_id
    )


def prove(site: OpenSite, goal: Goal, excused: frozenset[str]) -> Proof:
    """As `kvmrt apply` does it."""
    left = plan_host(goal, site.host.capture()).actions
    return Proof(
        remaining=tuple(
            one.change.address
            for one in left
            if one.change.address not in excused and not one.change.is_kept
        )
    )


def apply(
    world: World, boundary: Callable[[str], None] = no_boundary, *, plan: Plan | None = None
) -> Result:
    """Recover, plan unless there is a plan, and apply."""
    with open_site(world.location, purpose="apply", boundary=boundary) as site:
        recover(site.host, site.state, site.volatile, boot_id=site.boot_id)
        made = plan or plan_host(world.goal, site.host.capture())
        steps, waiting = split_actions(made.actions, world.allowed)
        terms = Terms(
            allowed=world.allowed,
            report=lambda _step, _outcome, _cause: None,
            prove=lambda excused: prove(site, world.goal, excused),
        )
        begun = header(APPLY, site=site, holders=made.holders)
        return apply_steps(site_of(site), begun, steps, waiting, terms)


def revert(world: World, boundary: Callable[[str], None] = no_boundary) -> tuple[str, ...]:
    """Recover, and revert the last run."""
    with open_site(world.location, purpose="revert", boundary=boundary) as site:
        recover(site.host, site.state, site.volatile, boot_id=site.boot_id)
        record = find_run(read_history(site.state), None)
        begun = header(REVERT, site=site, digest=record.header.id)
        return revert_run(site_of(site), record, begun)


def recover_world(world: World, boundary: Callable[[str], None] = no_boundary) -> Recovery | None:
    """As `kvmrt recover`."""
    with open_site(world.location, purpose="recover", boundary=boundary) as site:
        return recover(site.host, site.state, site.volatile, boot_id=site.boot_id)


@dataclass
class Counter:
    """A boundary that counts; `names` are what was about to happen or had happened."""

    names: list[str] = field(default_factory=list)

    def __call__(self, what: str) -> None:
        self.names.append(what)


def kill_everywhere(action: Callable[[Callable[[str], None]], object]) -> Iterator[str]:
    """Run the action in a process that is killed by SIGKILL at each of its boundaries.

    At a boundary the process forks and dies; the fork waits until the next value is asked for, and is
    itself the one that goes on and dies at the next boundary. So each process does what lies between two
    boundaries, and all together what one run does.

    Yields:
        At which boundary a process has died, once it has.
    """
    _adopt_orphans()
    # What is buffered would be written by every fork.
    sys.stdout.flush()
    sys.stderr.flush()
    told, tell = os.pipe()
    heard, go_on = os.pipe()
    first = os.fork()
    if first == 0:
        # Or the last fork would never see that nobody writes to it any more.
        os.close(told)
        os.close(go_on)
        _run_and_die(action, tell, heard)
    os.close(tell)
    os.close(heard)
    fork = first
    try:
        with os.fdopen(told) as lines:
            for line in lines:
                process, forked, name = line.rstrip("\n").split(" ", 2)
                fork = int(forked)
                _, status = os.waitpid(int(process), 0)
                if not fork:
                    assert status == 0, "the action failed, see its traceback above"
                    return
                assert os.WIFSIGNALED(status)
                assert os.WTERMSIG(status) == signal.SIGKILL
                yield name
                os.write(go_on, b".")
        raise AssertionError("the action ended without saying so")
    finally:
        os.close(go_on)
        if fork:
            os.waitpid(fork, 0)


def _adopt_orphans() -> None:
    """prctl(PR_SET_CHILD_SUBREAPER): a fork whose parent was killed becomes a child of this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(36, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())


def _run_and_die(action: Callable[[Callable[[str], None]], object], tell: int, heard: int) -> None:
    def boundary(what: str) -> None:
        fork = os.fork()
        if fork != 0:
            os.write(tell, f"{os.getpid()} {fork} {what}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)
        elif os.read(heard, 1) != b".":
            # Nobody asks for more.
            os._exit(0)

    gc.disable()
    code = 1
    try:
        action(boundary)
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os.write(tell, f"{os.getpid()} 0 \n".encode())
        os._exit(code)


def disk(world: World) -> dict[str, tuple[int, bytes]]:
    """Mode and content of every file and folder, by relative path: all that a later run can see."""
    found: dict[str, tuple[int, bytes]] = {}
    for path in sorted(world.folder.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        name = str(path.relative_to(world.folder))
        # Who held the lock is no state; a killed write of a whole document leaves what it had.
        if not name.endswith("run/lock") and not name.startswith(".host.json."):
            found[name] = (status.st_mode, content)
    return found


def state(world: World) -> dict[str, object]:
    """The host, as far as somebody set it, byte for byte, and what kvmrt holds of it."""
    snapshot = read_snapshot_file(str(world.folder / "host.json"))
    libvirt = snapshot.libvirt
    held = world.folder / "host.json.state" / "run" / "held.json"
    return {
        "files": {
            path: text
            for path, text in _explicit(snapshot.files).items()
            if not _EFFECTIVE.fullmatch(path)
        },
        "links": dict(snapshot.links),
        "dormant": dict(snapshot.dormant),
        "domains": {
            f"{one.uuid} {name}": value
            for one in (libvirt.domains if libvirt else ())
            for name, value in {**asdict(one), "live_xml": _live(one.live_xml)}.items()
        },
        "held": _held(held),
    }


def _explicit(files: Mapping[str, str]) -> dict[str, str]:
    """machine.slice with the CPUs that it has where it names none: that list is what an undo has to write.
    And threads of the kernel without CPUs that are offline: with each CPU that comes kcompactd loses these.
    """
    path, online = f"{_GUESTS}/cpuset.cpus", "/sys/devices/system/cpu/online"
    is_unset = files.get(path) == "\n"
    explicit = {**files, path: files[online]} if is_unset else dict(files)
    for status in filter(_KERNEL_STATUS.fullmatch, files):
        if status.replace("/status", "/stat") in files:
            text = files[status]
            allowed = parse_allowed(text, status) & CpuSet.parse_kernel(files[online])
            explicit[status] = with_affinity(text, allowed)
    return explicit


def _held(path: Path) -> object:
    """What is held; which run was settled last is no part of it."""
    document = json.loads(path.read_bytes()) if path.exists() else {"values": {}}
    return {**document, "run": ""} if document["values"] else {}


def _live(xml: str) -> object:
    """Of a running guest's XML all but the pins: libvirt notes there what was pinned last, and has no
    call to take the note away. Where the threads are is in the files of /proc.
    """
    if not xml:
        return ""
    root = parse_domain(xml, domain="live")
    lines = outline(root)
    return [line for line in lines if "pin" not in line[0] and line[0] != "domain/cputune"]


def check_modes(world: World) -> None:
    """What may hold passwords is for its owner alone; what planning needs is for all to read."""
    expected = {
        "host.json.state": 0o700,
        "host.json.state/history": 0o700,
        "host.json.state/journal": 0o600,
        "host.json.state/run": 0o755,
        "host.json.state/run/held.json": 0o644,
        "host.json.state/run/topology.json": 0o644,
        "host.json.writes": 0o600,
    }
    for path in world.folder.rglob("*"):
        status, name = path.lstat(), str(path.relative_to(world.folder))
        assert status.st_uid == os.geteuid(), name
        mode = 0o600 if "/history/" in name else expected.get(name)
        assert mode in (None, stat.S_IMODE(status.st_mode)), (name, oct(status.st_mode))
