# SPDX-License-Identifier: Apache-2.0
"""Interrupts as a table for people and as a document for programs.

The document has every interrupt and every count; the table leaves out counts of 0 and, unless asked,
interrupts without a number. What is not known is `-`, or null.
"""

from __future__ import annotations

from kvmrt_plan.values.record import Record
from kvmrt_plan.views.table import render_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from kvmrt_plan.facts.interrupt_counts import InterruptCounts
    from kvmrt_plan.facts.irq import Irq
    from kvmrt_plan.values.cpuset import CpuSet

FORMAT_VERSION = "1.0"


class IrqView(Record):
    """What is shown."""

    irqs: Mapping[int, Irq]
    counts: InterruptCounts
    #: Only interrupts that touch these; None: all.
    cpus: CpuSet | None = None
    #: Interrupts per second by label, in the order of the counts' columns; None: not watched.
    rates: Mapping[str, tuple[float, ...]] | None = None

    def shown(self) -> list[Irq]:
        """Interrupts that may go, or go, to the wanted CPUs; one of which neither is known is not shown."""
        wanted = self.cpus
        return [
            irq
            for irq in self.irqs.values()
            if wanted is None
            or any(one is not None and one & wanted for one in (irq.affinity, irq.effective))
        ]


def render_irqs(view: IrqView, *, with_unnumbered: bool = False) -> str:
    """A line per interrupt, by number."""
    counted = "COUNT" if view.rates is None else "PER SECOND"
    headings = ["IRQ", "NAME", "DEVICE", "AFFINITY", "EFFECTIVE", "MANAGED", counted]
    rows = [
        [
            str(irq.number),
            ", ".join(irq.actions) or "-",
            " ".join(filter(None, (irq.device, irq.driver, *irq.interfaces))) or "-",
            "-" if irq.affinity is None else str(irq.affinity),
            "-" if irq.effective is None else str(irq.effective),
            _managed(irq),
            _numbers(view, str(irq.number)),
        ]
        for irq in view.shown()
    ]
    if with_unnumbered:
        rows += [
            [label, name or "-", "-", "-", "-", "-", _numbers(view, label)]
            for label, name in view.counts.names.items()
        ]
    if not rows:
        return _nothing(view)
    return render_table(headings, rows, right=frozenset({"IRQ"}))


def _nothing(view: IrqView) -> str:
    """Why the table is empty: a heading alone would not say whether the CPUs are right."""
    if view.cpus is None:
        return "no interrupts are known\n"
    known = set(view.counts.cpus)
    text = f"no interrupt may go to CPUs {view.cpus}"
    absent = [cpu for cpu in view.cpus if cpu not in known]
    if known and absent:
        text += f"; {', '.join(map(str, absent))} not online, or not there"
    return f"{text}\n"


def irqs_document(view: IrqView) -> dict[str, Any]:
    """The document of `kvmrt irqs --json`. Counts and rates are by CPU number, as text."""
    return {
        "format_version": FORMAT_VERSION,
        "irqs": [
            {
                "number": irq.number,
                "names": list(irq.actions),
                "chip": irq.chip,
                "device": irq.device,
                "driver": irq.driver,
                "interfaces": list(irq.interfaces),
                "affinity": None if irq.affinity is None else str(irq.affinity),
                "effective": None if irq.effective is None else str(irq.effective),
                "managed": irq.is_managed,
                "movable": irq.is_movable and irq.is_managed is not True,
                **_counted(view, str(irq.number)),
            }
            for irq in view.shown()
        ],
        "others": [
            {"name": label, "text": name, **_counted(view, label)}
            for label, name in view.counts.names.items()
        ],
    }


def _managed(irq: Irq) -> str:
    if irq.is_managed:
        return "yes"
    if not irq.is_movable:
        return "fixed"
    return "-" if irq.is_managed is None else "no"


def _numbers(view: IrqView, label: str) -> str:
    """`CPU0 381, CPU3 12`: where it came, and how often."""
    if view.rates is None:
        numbers: Sequence[float] | None = view.counts.rows.get(label)
    else:
        numbers = view.rates.get(label)
    if numbers is None:
        return "-"
    pairs = (
        (cpu, f"{n:.1f}" if isinstance(n, float) else str(n)) for cpu, n in _some(view, numbers)
    )
    return ", ".join(f"CPU{cpu} {text}" for cpu, text in pairs) or "0"


def _some(view: IrqView, numbers: Sequence[float]) -> Iterable[tuple[int, float]]:
    return ((cpu, n) for cpu, n in zip(view.counts.cpus, numbers, strict=True) if n)


def _counted(view: IrqView, label: str) -> dict[str, Any]:
    counts = view.counts.rows.get(label)
    counted: dict[str, Any] = {"counts": _by_cpu(view, counts)}
    if view.rates is not None:
        counted["rates"] = _by_cpu(view, view.rates.get(label))
    return counted


def _by_cpu(view: IrqView, numbers: Sequence[float] | None) -> dict[str, float] | None:
    if numbers is None:
        return None
    return {str(cpu): n for cpu, n in zip(view.counts.cpus, numbers, strict=True)}
