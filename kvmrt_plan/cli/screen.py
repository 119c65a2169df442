# SPDX-License-Identifier: Apache-2.0
"""A terminal that a program has to itself for a while: no echo, no scrolling, and back as it was."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import tty
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

#: ECMA-48 and xterm: the other screen, the cursor, home, to the end of the line, below.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _ERASE_LINE, _ERASE_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


class Screen:
    """Draws whole frames and waits for keys; a resize or a signal ends the wait."""

    def __enter__(self) -> Self:
        self._input = sys.stdin.fileno()
        self._saved = termios.tcgetattr(self._input)
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        self._old_waker = signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        # A handler, so that the signal arrives at the descriptor above; it has nothing to do itself.
        self._old_handler = signal.signal(signal.SIGWINCH, lambda *_: None)
        self._old_term = signal.signal(signal.SIGTERM, _interrupt)
        tty.setcbreak(self._input)
        _write(_ENTER)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.set_wakeup_fd(self._old_waker)
        signal.signal(signal.SIGWINCH, self._old_handler)
        signal.signal(signal.SIGTERM, self._old_term)
        termios.tcsetattr(self._input, termios.TCSADRAIN, self._saved)
        os.close(self._woken)
        os.close(self._waker)
        _write(_LEAVE)

    def draw(self, lines: Sequence[str]) -> None:
        """As many lines as fit; the last row says how many do not."""
        rows = os.get_terminal_size(sys.stdout.fileno()).lines
        shown = list(lines)
        if len(shown) > rows:
            shown = [
                *shown[: rows - 1],
                f"({len(lines) - rows + 1} more lines: enlarge the terminal)",
            ]
        _write(_HOME + "\r\n".join(f"{line}{_ERASE_LINE}" for line in shown) + _ERASE_BELOW)

    def wait(self, seconds: float) -> str:
        """The key that was pressed; "" when the time is over or the terminal has changed its size."""
        ready, _, _ = select.select([self._input, self._woken], [], [], seconds)
        if self._woken in ready:
            os.read(self._woken, 4096)
        if self._input in ready:
            # Nothing to read: the terminal is gone.
            return os.read(self._input, 1).decode("latin-1") or "q"
        return ""


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
