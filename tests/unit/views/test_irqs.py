# SPDX-License-Identifier: Apache-2.0
"""Interrupts as a table and as a document."""

from __future__ import annotations

import pytest
from facts_builders import cpus, make_irq

from kvmrt_plan.facts.interrupt_counts import NO_COUNTS, InterruptCounts
from kvmrt_plan.facts.irq import Irq
from kvmrt_plan.views.irqs import IrqView, irqs_document, render_irqs

IRQS = {
    0: make_irq(0, "0-7", actions=("timer",), is_movable=False, is_managed=None),
    24: make_irq(24, "4-7", actions=("a\x1b[2J", "b"), device="0000:3b:00.0", driver="ixgbe"),
    45: make_irq(45, "2", actions=("nvme0q3",), is_managed=True),
    46: Irq(number=46, actions=(), affinity=None),
}
COUNTS = InterruptCounts(
    cpus=(0, 2), rows={"24": (5, 0), "45": (0, 0), "LOC": (1, 2)}, names={"LOC": "Local timer"}
)


def test_the_table_leaves_out_counts_of_zero_only() -> None:
    assert render_irqs(IrqView(irqs=IRQS, counts=COUNTS), with_unnumbered=True) == (
        "IRQ  NAME         DEVICE              AFFINITY  EFFECTIVE  MANAGED  COUNT\n"
        "  0  timer        -                   0-7       0-7        fixed    -\n"
        " 24  a\\x1b[2J, b  0000:3b:00.0 ixgbe  4-7       4-7        no       CPU0 5\n"
        " 45  nvme0q3      -                   2         2          yes      0\n"
        " 46  -            -                   -         -          -        -\n"
        "LOC  Local timer  -                   -         -          -        CPU0 1, CPU2 2\n"
    )


def test_rates_stand_in_place_of_counts() -> None:
    view = IrqView(irqs={24: IRQS[24]}, counts=COUNTS, rates={"24": (1.25, 0.0)})
    lines = render_irqs(view).splitlines()
    assert [line.split("  ")[-1].strip() for line in lines] == ["PER SECOND", "CPU0 1.2"]


@pytest.mark.parametrize(
    ("wanted", "shown"), [("0", [0]), ("2", [0, 45]), ("5,9", [0, 24]), ("9", [])]
)
def test_only_those_that_touch_the_cpus_are_shown(wanted: str, shown: list[int]) -> None:
    view = IrqView(irqs=IRQS, counts=NO_COUNTS, cpus=cpus(wanted))
    assert [irq.number for irq in view.shown()] == shown


def test_one_that_goes_elsewhere_is_shown_for_both() -> None:
    irq = make_irq(30, "4-7", effective=cpus("2"))
    assert IrqView(irqs={30: irq}, counts=NO_COUNTS, cpus=cpus("2")).shown() == [irq]
    assert IrqView(irqs={30: irq}, counts=NO_COUNTS, cpus=cpus("7")).shown() == [irq]


def test_the_document_has_every_count_and_null_for_what_is_not_known() -> None:
    view = IrqView(irqs={45: IRQS[45], 46: IRQS[46]}, counts=COUNTS, rates={"45": (0.5, 0.0)})
    nothing = {"device": None, "driver": None, "interfaces": []}
    assert irqs_document(view) == {
        "format_version": "1.0",
        "irqs": [
            {"number": 45, "names": ["nvme0q3"], "chip": "PCI-MSI", **nothing}
            | {"affinity": "2", "effective": "2", "managed": True, "movable": False}
            | {"counts": {"0": 0, "2": 0}, "rates": {"0": 0.5, "2": 0.0}},
            {"number": 46, "names": [], "chip": "", **nothing}
            | {"affinity": None, "effective": None, "managed": None, "movable": True}
            | {"counts": None, "rates": None},
        ],
        "others": [
            {"name": "LOC", "text": "Local timer", "counts": {"0": 1, "2": 2}, "rates": None}
        ],
    }
