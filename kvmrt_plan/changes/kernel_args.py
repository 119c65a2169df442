# SPDX-License-Identifier: Apache-2.0
"""The boot arguments that the configuration asks for: one change of kvmrt's own tokens.

They follow from the configuration alone and not from which VMs run: a boot comes before any VM. `auto` is
therefore the union over all RT VMs of the file. What somebody else has written with the same value is not
written again; with another value it is a conflict, which `rules/kernel_args.py` reports. Written tokens are
pending until the running command line has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.changes.change import (
    Activation,
    Change,
    Considered,
    Kind,
    NoChange,
    Pending,
    Reason,
    ReasonCode,
    Undo,
)
from kvmrt_plan.placement.boot_arguments import wanted_tokens
from kvmrt_plan.values.boot_tokens import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kvmrt_plan.desired.boot_model import BootPolicy
    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.kernel_args import BootArguments
    from kvmrt_plan.placement.model import Placement

ADDRESS = "boot/arguments"
_RELEASED = Reason(code=ReasonCode.RELEASED, text="the configuration no longer asks for it")


def boot_changes(
    policy: BootPolicy | None, facts: HostFacts, placement: Placement
) -> Iterator[Considered]:
    """The change of the own tokens, or what they wait for. Nothing is managed without a boot part, but
    what was written under an earlier one is taken back.
    """
    boot = facts.boot
    if policy is None and not boot.own:
        return
    wanted = () if policy is None else wanted_tokens(policy, facts, placement)
    own = tuple(one for one in wanted if one not in foreign_tokens(boot))
    before, after = _line(boot.own), _line(own)
    reason = _RELEASED if policy is None else _asked(policy)
    if boot.own != own:
        yield Change(
            kind=Kind.BOOT_ARGUMENTS,
            address=ADDRESS,
            before=before,
            after=after,
            activation=Activation.NEXT_BOOT,
            undo=Undo.NEXT_BOOT,
            reason=reason,
        )
        return
    waiting = _waiting(boot, wanted)
    if waiting:
        yield Pending(
            kind=Kind.BOOT_ARGUMENTS,
            address=ADDRESS,
            running=_line(_of_keys(boot.running, waiting)),
            written=_line(_of_keys((*own, *foreign_tokens(boot)), waiting)),
            activation=Activation.NEXT_BOOT,
        )
    elif wanted:
        yield NoChange(
            kind=Kind.BOOT_ARGUMENTS, address=ADDRESS, value=_line(wanted), reason=reason
        )


def foreign_tokens(boot: BootArguments) -> tuple[str, ...]:
    """What others have written for the next boot: in the loader's result, or in its settings."""
    if boot.configured is None:
        return tuple(token for token, _ in boot.foreign)
    return tuple(one for one in boot.configured if one not in boot.own)


def _asked(policy: BootPolicy) -> Reason:
    return Reason(
        code=ReasonCode.HOST_POLICY,
        text="the boot part of the host asks for it",
        source=policy.source_of(),
    )


def _waiting(boot: BootArguments, wanted: Sequence[str]) -> frozenset[str]:
    """Keys that the next boot changes: what is asked for, and what the loader no longer gives."""
    keys = {key_of(one) for one in wanted if one not in boot.running}
    if boot.configured is not None:
        ours = {key_of(one) for one in wanted} | _OWNED_KEYS
        keys |= {
            key_of(one)
            for one in boot.running
            if key_of(one) in ours and one not in boot.configured
        }
    return frozenset(keys)


#: Keys that the attributes set: that one of them goes away waits for a boot, too.
_OWNED_KEYS = frozenset(
    {
        "nohz_full", "rcu_nocbs", "irqaffinity", "msi_affinity_mask", "isolcpus", "intel_iommu", "iommu",
        "rcutree.kthread_prio", "workqueue.pri", "vfio_pci.addr",
    }
)  # fmt: skip


def _of_keys(tokens: Sequence[str], keys: frozenset[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in tokens if key_of(one) in keys))


def _line(tokens: Sequence[str]) -> str | None:
    return " ".join(tokens) or None
