# SPDX-License-Identifier: Apache-2.0
"""Parameters of KVM: for the next load of the modules, and live where the kernel lets them be written.

All of them go into kvmrt's file in /etc/modprobe.d and are pending until the modules have them. Those that
can be written while the modules are loaded (`halt_poll_ns`, `nx_huge_pages`) are also held live while an RT
VM holds its policies. `nx_huge_pages=never` forbids every later change until the module is loaded anew
(arch/x86/kvm/mmu/mmu.c), so live it is only switched off; writing it makes KVM drop the page tables of all
running guests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import (
    Activation,
    Change,
    Considered,
    Disturbance,
    Kind,
    NoChange,
    Pending,
    Reason,
    ReasonCode,
    Undo,
)
from kvmrt_plan.changes.masks import released
from kvmrt_plan.desired.kvm_model import NxHugePages
from kvmrt_plan.facts.kvm import PARAMETERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kvmrt_plan.changes.masks import Masks
    from kvmrt_plan.desired.kvm_model import KvmPolicy

ADDRESS = "modules/options"
_NX = "kvm/nx_huge_pages"
_LIVE = {"kvm/halt_poll_ns": "halt_poll_ns", _NX: "nx_huge_pages"}
_NX_WORDS = {NxHugePages.NEVER: "never", NxHugePages.OFF: "N", NxHugePages.FORCE: "Y"}


def kvm_changes(policy: KvmPolicy | None, masks: Masks) -> Iterator[Considered]:
    """The file's options, what they wait for, and the live values."""
    yield from _file_changes(policy, masks)
    for address, attribute in _LIVE.items():
        now = masks.facts.knobs.get(address)
        if now is not None:
            yield from _live_changes(policy, masks, (address, attribute), now)


def kvm_options(policy: KvmPolicy) -> tuple[str, ...]:
    """`module.parameter=value` for each attribute that is set."""
    words = ((name, _word(policy, name)) for name in PARAMETERS)
    return tuple(f"{PARAMETERS[name]}.{name}={word}" for name, word in words if word is not None)


def _file_changes(policy: KvmPolicy | None, masks: Masks) -> Iterator[Considered]:
    kvm = masks.facts.kvm
    if policy is None and not kvm.own:
        return
    others = {option for option, _ in kvm.foreign}
    asked = () if policy is None else kvm_options(policy)
    wanted = tuple(one for one in asked if one not in others)
    reason = released_file() if policy is None else _asked(policy)
    if wanted != kvm.own:
        yield Change(
            kind=Kind.MODULE_OPTIONS,
            address=ADDRESS,
            before=" ".join(kvm.own) or None,
            after=" ".join(wanted) or None,
            activation=Activation.NEXT_BOOT,
            undo=Undo.NEXT_BOOT,
            reason=reason,
        )
        return
    waiting = [one for one in asked if not _is_running(one, masks)]
    if waiting:
        running = [f"{key}={word}" for key, word in kvm.running.items()]
        keys = tuple(one.partition("=")[0] + "=" for one in waiting)
        yield Pending(
            kind=Kind.MODULE_OPTIONS,
            address=ADDRESS,
            running=" ".join(one for one in running if one.startswith(keys)) or None,
            written=" ".join(waiting),
            activation=Activation.NEXT_BOOT,
        )
    elif asked:
        yield NoChange(
            kind=Kind.MODULE_OPTIONS, address=ADDRESS, value=" ".join(asked), reason=reason
        )


def released_file() -> Reason:
    """Why options are taken out again."""
    return Reason(code=ReasonCode.RELEASED, text="the configuration no longer asks for it")


def _is_running(option: str, masks: Masks) -> bool:
    """A module that is not loaded gets its options when it is; of an absent one nothing is expected."""
    key, _, word = option.partition("=")
    running = masks.facts.kvm.running
    return running.get(key, word) == word


def _live_changes(
    policy: KvmPolicy | None, masks: Masks, which: tuple[str, str], now: str
) -> Iterator[Considered]:
    address, attribute = which
    word = None if policy is None else _word(policy, attribute)
    if word is not None and policy is not None and masks.placement.isolated:
        value = "N" if word == "never" else word
        owners = masks.reasons.leaving(masks.placement.isolated).text
        reason = Reason(
            code=ReasonCode.HOST_POLICY,
            text=f"{attribute} is {word} and {owners}",
            source=policy.source_of(attribute),
        )
    else:
        held = masks.facts.held.get(address)
        if held is None or held.written != now or held.original is None:
            return
        value, reason = held.original, released()
    if now in (value, "never"):
        yield NoChange(kind=Kind.SYSCTL, address=address, value=now, reason=reason)
        return
    is_felt = address == _NX and any(one.is_running for one in masks.facts.domains.values())
    yield Change(
        kind=Kind.SYSCTL,
        address=address,
        before=now,
        after=value,
        disturbance=Disturbance.GUEST if is_felt else Disturbance.NONE,
        reason=reason,
    )


def _word(policy: KvmPolicy, attribute: str) -> str | None:
    """The value in the notation that the kernel prints."""
    value = getattr(policy, attribute)
    if value is None:
        return None
    if isinstance(value, NxHugePages):
        return _NX_WORDS[value]
    return ("Y" if value else "N") if isinstance(value, bool) else str(value)


def _asked(policy: KvmPolicy) -> Reason:
    return Reason(
        code=ReasonCode.HOST_POLICY,
        text="the kvm part of the host asks for it",
        source=policy.source_of(),
    )
