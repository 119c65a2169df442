# SPDX-License-Identifier: Apache-2.0
"""A drawing as pixels, by rsvg-convert (librsvg): the map stays one drawing, and Python needs no renderer."""

from __future__ import annotations

import os
import subprocess

from kvmrt_plan.errors import HostError

_PROGRAM = "rsvg-convert"
#: Pixels for a point of the drawing: letters of 12 points are sharp on paper and on dense screens.
_ZOOM = 2
#: A map of 8,192 CPUs takes some seconds.
_SECONDS = 120


def convert_svg(svg: str, *, searched: str | None = None) -> bytes:
    """The PNG of the drawing, as light as paper. `searched` are the folders of programs (default: PATH).

    Raises:
        HostError: the converter is not installed, refuses the drawing, or does not end.
    """
    path = os.environ.get("PATH", os.defpath) if searched is None else searched
    try:
        done = subprocess.run(  # noqa: S603  a fixed program, the drawing through its input
            [_PROGRAM, "--format=png", f"--zoom={_ZOOM}"],
            input=svg.encode(),
            env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise HostError(
            f"a PNG is made by {_PROGRAM}, which is not installed",
            "install it (Debian: librsvg2-bin, Fedora: librsvg2-tools), or write the drawing with --svg",
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(
            f"{_PROGRAM} made no PNG: {error}", "write the drawing with --svg"
        ) from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise HostError(
            f"{_PROGRAM} made no PNG: {said or f'exit status {done.returncode}'}",
            "write the drawing with --svg; --fold always makes it smaller",
        )
    return done.stdout
