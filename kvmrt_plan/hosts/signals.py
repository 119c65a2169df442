# SPDX-License-Identifier: Apache-2.0
"""Signals that ask a run to end: it takes back what it has written, and then ends.

SIGTERM (systemd, a shutdown) and SIGHUP (the terminal went away) raise KeyboardInterrupt as Ctrl-C does, with
the signal's name. A signal that is ignored when kvmrt starts, as nohup and a shell's background jobs have it
(nohup(1), bash(1)), stays ignored: that is what whoever started it asked for.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def heeded_signals() -> Iterator[None]:
    """In the body these signals raise KeyboardInterrupt."""
    with _handled_by(_interrupt):
        yield


@contextmanager
def undisturbed() -> Iterator[None]:
    """In the body these signals do nothing: for taking back, which is not to be broken off as well.

    They are not ignored, since systemctl or whatever is started meanwhile would inherit that.
    """
    with _handled_by(_pass_over):
        yield


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    # None: whoever set it was no Python, and it could not be set again.
    kept = {one: had for one, had in before.items() if had not in (signal.SIG_IGN, None)}
    try:
        for number in kept:
            signal.signal(number, handler)
    except ValueError:
        # Not in the main thread, which alone may set handlers, and alone gets signals.
        yield
        return
    try:
        yield
    finally:
        for number, had in kept.items():
            signal.signal(number, had)


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt(signal.Signals(number).name)


def _pass_over(_number: int, _frame: FrameType | None) -> None:
    """Nothing."""
