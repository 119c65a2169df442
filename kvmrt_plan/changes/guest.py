# SPDX-License-Identifier: Apache-2.0
"""The inside of a guest: no balloon in a real-time guest, and its clock on the host's.

In effect when the guest restarts. chrony is stopped before its files change (it writes its drift file when
it ends) and is enabled, not started: it finds its clock after the restart. While nothing has to change it
is left alone, running or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import (
    Activation,
    Change,
    Considered,
    Kind,
    Reason,
    ReasonCode,
    unless_right,
)
from kvmrt_plan.changes.chrony import MODULE, with_reference_clock, without_peers
from kvmrt_plan.facts.guest import (
    BLOCKED,
    CHRONY,
    ENABLED,
    KVM_CLOCK,
    LOAD_PATH,
    NETWORK_PATH,
    RUNNING,
    STOPPED,
)
from kvmrt_plan.values.filevalue import FileValue, format_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.desired.model import VirtualMachine
    from kvmrt_plan.facts.guest import GuestFacts

#: The first PTP clock of a guest that has no other; systemd's rules name the right one in any case.
_FIRST, _NAMED = "/dev/ptp0", "/dev/ptp_kvm"


def guest_changes(vm: VirtualMachine, facts: GuestFacts) -> Iterator[Considered]:
    """What has to change inside the guest."""
    if vm.rt:
        reason = Reason(
            code=ReasonCode.REAL_TIME,
            text=f"{vm.name} is a real-time VM",
            source=vm.source_of("rt"),
        )
        address = f"vm/{vm.name}/guest/module/virtio_balloon"
        yield _considered(vm, (Kind.GUEST_SETTING, address), (facts.module, BLOCKED), reason)
    if vm.guest_clock is not None and facts.chrony is not None:
        yield from _clock(vm, facts, facts.chrony)


def _clock(vm: VirtualMachine, facts: GuestFacts, unit: str) -> Iterator[Considered]:
    reason = Reason(
        code=ReasonCode.ATTRIBUTE,
        text=f"guest_clock is {vm.guest_clock}",
        source=vm.source_of("guest_clock"),
    )
    wanted = _wanted_files(facts, unit)
    enabled, running = facts.units[unit]
    stopped = f"vm/{vm.name}/guest/running/{unit}"
    is_right = all(facts.files.get(path) == value for path, value in wanted.items())
    if not is_right:
        wanted[CHRONY[unit][1]] = None
        if running == RUNNING:
            yield _considered(vm, (Kind.GUEST_SETTING, stopped), (running, STOPPED), reason)
    for path, value in wanted.items():
        address = f"vm/{vm.name}/guest/file{path}"
        now = facts.files.get(path)
        yield _considered(vm, (Kind.GUEST_FILE, address), (now, value), reason, requires=(stopped,))
    address = f"vm/{vm.name}/guest/unit/{unit}"
    yield _considered(vm, (Kind.GUEST_SETTING, address), (enabled, ENABLED), reason)


def _wanted_files(facts: GuestFacts, unit: str) -> dict[str, str | None]:
    """Files by path, as they should be."""
    configuration = CHRONY[unit][0]
    wanted: dict[str, str | None] = {
        LOAD_PATH: _edited(facts, LOAD_PATH, MODULE),
        configuration: _edited(
            facts,
            configuration,
            with_reference_clock(_content(facts, configuration), _device(facts)),
        ),
    }
    if facts.is_red_hat:
        text = without_peers(_content(facts, NETWORK_PATH))
        wanted[NETWORK_PATH] = _edited(facts, NETWORK_PATH, text)
    return wanted


def _device(facts: GuestFacts) -> str:
    for number, name in sorted(facts.clocks.items()):
        if name == KVM_CLOCK:
            return f"/dev/ptp{number}"
    return _NAMED if facts.clocks else _FIRST


def _content(facts: GuestFacts, path: str) -> str:
    return facts.files.get(path, "\n").partition("\n")[2]


def _edited(facts: GuestFacts, path: str, content: str) -> str:
    """The file with this content; one that exists keeps its mode and owner."""
    if path in facts.files:
        return f"{facts.files[path].partition(chr(10))[0]}\n{content}"
    return format_file(FileValue(mode=0o644, uid=0, gid=0, content=content))


def _considered(
    vm: VirtualMachine,
    place: tuple[Kind, str],
    values: tuple[str | None, str | None],
    reason: Reason,
    *,
    requires: tuple[str, ...] = (),
) -> Considered:
    (kind, address), (before, after) = place, values
    return unless_right(
        Change(
            kind=kind,
            address=address,
            before=before,
            after=after,
            activation=Activation.GUEST_RESTART,
            reason=reason,
            requires=requires,
            owner=str(vm.uuid),
        )
    )
