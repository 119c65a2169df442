# SPDX-License-Identifier: Apache-2.0
"""Interrupts that go, or may go, to some CPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.rules.intrusion import Intrusion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kvmrt_plan.facts.host import HostFacts
    from kvmrt_plan.facts.irq import Irq
    from kvmrt_plan.rules.intrusion import Target

_AFFINITY = "/proc/irq/N/smp_affinity_list"


def irq_intrusions(facts: HostFacts, target: Target) -> Iterator[Intrusion]:
    """By what can be done: movable ones that come now, that may come, managed ones, fixed ones."""
    irqs = facts.irqs.values()
    move = target.remedy(f"for each: echo {target.others} > {_AFFINITY}")
    kinds: tuple[tuple[str, str, Callable[[Irq], bool]], ...] = (
        ("going there now", move, lambda irq: _is_free(irq) and _goes(irq, target)),
        ("allowed there", move, lambda irq: _is_free(irq) and not _goes(irq, target)),
        (
            "managed: the kernel spreads them and refuses a new affinity",
            _managed_remedy(target),
            lambda irq: bool(irq.is_managed),
        ),
        (
            "fixed: the kernel refuses a new affinity",
            "",
            lambda irq: not irq.is_managed and not irq.is_movable,
        ),
    )
    touching = [irq for irq in irqs if _touches(irq, target)]
    for text, remedy, is_meant in kinds:
        subjects = tuple((irq.number, ", ".join(irq.actions)) for irq in touching if is_meant(irq))
        if subjects:
            yield Intrusion(cause="interrupts", summary=text, remedy=remedy, subjects=subjects)
    yield from _unreadable(facts)
    default = facts.default_irq_affinity
    if default is not None and default & target.cpus:
        mask = (default - target.cpus or target.others).format_mask()
        yield Intrusion(
            cause="interrupts",
            summary=f"requested later may go there: the default affinity is {default}",
            remedy=target.remedy(f"echo {mask} > /proc/irq/default_smp_affinity"),
        )


def _managed_remedy(target: Target) -> str:
    return (
        f"boot argument isolcpus=managed_irq,{target.cpus}, fewer queues (ethtool -L, the driver's "
        "module parameter), or no I/O from these CPUs"
    )


def _unreadable(facts: HostFacts) -> Iterator[Intrusion]:
    unknown = tuple(
        (irq.number, ", ".join(irq.actions))
        for irq in facts.irqs.values()
        if irq.affinity is None and irq.effective is None and irq.actions
    )
    if unknown:
        yield Intrusion(
            cause="interrupts",
            summary=f"of which {_AFFINITY} is not known",
            remedy="",
            subjects=unknown,
            is_known=False,
        )


def _is_free(irq: Irq) -> bool:
    return irq.is_movable and not irq.is_managed


def _goes(irq: Irq, target: Target) -> bool:
    present = irq.affinity if irq.effective is None else irq.effective
    return bool(present is not None and present & target.cpus)


def _touches(irq: Irq, target: Target) -> bool:
    return any(one is not None and one & target.cpus for one in (irq.affinity, irq.effective))
