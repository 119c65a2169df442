# SPDX-License-Identifier: Apache-2.0
"""`kvmrt irqs`: the interrupts, where they may go and go, and how often they came."""

from __future__ import annotations

import os
import sys
import time

from kvmrt_plan.cli.host import read_part
from kvmrt_plan.errors import UsageError
from kvmrt_plan.facts.interrupt_counts import parse_counts, rates
from kvmrt_plan.facts.irq import IRQ_FOLDER, parse_irqs
from kvmrt_plan.hosts.captured_paths import IRQ_PATTERNS
from kvmrt_plan.views.irqs import IrqView, irqs_document, render_irqs

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.facts.interrupt_counts import InterruptCounts
    from kvmrt_plan.facts.irq import Irq
    from kvmrt_plan.facts.texts import Texts

_TABLE = "/proc/interrupts"


def run(arguments: argparse.Namespace) -> int:
    """Print a table, or JSON."""
    is_live = arguments.host is None and arguments.root is None
    if arguments.rate is not None and not is_live:
        raise UsageError("only this machine's interrupts can be watched", "leave out --rate")
    texts = read_part(arguments, IRQ_PATTERNS, keeps_counts=True)
    irqs = parse_irqs(texts)
    counts = parse_counts(texts.files.get(_TABLE, ""))
    view = IrqView(
        irqs=_without_vanished(irqs, texts) if is_live else irqs,
        counts=counts,
        cpus=arguments.cpus,
        rates=_watch(arguments) if arguments.rate is not None else None,
    )
    if arguments.json:
        # Loaded where it is wanted: 3 ms.
        from kvmrt_plan.values.document import dump_document

        sys.stdout.write(dump_document(irqs_document(view)))
    else:
        sys.stdout.write(render_irqs(view, with_unnumbered=arguments.all))
    return 0


def _without_vanished(irqs: dict[int, Irq], texts: Texts) -> dict[int, Irq]:
    """Those that were freed while they were read had a name or a count, and have no folder any more.

    Interrupts that the kernel set up and nobody requested have no folder either (/sys/kernel/irq/27).
    """
    return {
        number: irq
        for number, irq in irqs.items()
        if irq.affinity is not None
        or any(path.startswith(f"{IRQ_FOLDER}/{number}/") for path in texts.unreadable)
        or os.path.isdir(f"{IRQ_FOLDER}/{number}")
    }


def _watch(arguments: argparse.Namespace) -> dict[str, tuple[float, ...]]:
    before, begin = _read_counts(arguments), time.monotonic()
    time.sleep(arguments.rate)
    after, end = _read_counts(arguments), time.monotonic()
    return rates(before, after, end - begin)


def _read_counts(arguments: argparse.Namespace) -> InterruptCounts:
    texts = read_part(arguments, (_TABLE,), keeps_counts=True)
    return parse_counts(texts.files.get(_TABLE, ""))
