# SPDX-License-Identifier: Apache-2.0
"""A boot or shutdown that has begun and not ended, so that a later run can give back what its guests do
not need.

The file `boot.json` in the volatile state folder stands from before the first policy until every VM
either runs or has been released. It holds the configuration itself: by the time of the release the file
of that name may say something else. It dies with the boot, as the policies do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kvmrt_plan.errors import SnapshotError

if TYPE_CHECKING:
    from kvmrt_plan.ports import StateStore

FILE = "boot.json"
_FORMAT = "kvmrt-boot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """Which VMs it was to start or stop, by the names of its configuration."""

    names: tuple[str, ...]
    configuration: bytes
    #: The configuration's name, which tells its notation.
    file: str
    #: `boot` or `shutdown`.
    purpose: str = "boot"


def mark_unfinished(volatile: StateStore, unfinished: Unfinished) -> None:
    """It begins."""
    document = {
        "format": _FORMAT,
        "format_version": "1.0",
        "names": list(unfinished.names),
        "file": unfinished.file,
        "purpose": unfinished.purpose,
        "configuration": unfinished.configuration.decode("utf-8", "surrogateescape"),
    }
    volatile.replace(FILE, json.dumps(document).encode())


def clear_unfinished(volatile: StateStore) -> None:
    """It has ended."""
    volatile.remove(FILE)


def read_unfinished(volatile: StateStore) -> Unfinished | None:
    """The one that has not ended; None when there is none.

    Raises:
        SnapshotError: the file is not one that kvmrt wrote.
    """
    content = volatile.read(FILE)
    if content is None:
        return None
    try:
        document = json.loads(content)
        return Unfinished(
            names=tuple(map(str, document["names"])),
            configuration=str(document["configuration"]).encode("utf-8", "surrogateescape"),
            file=str(document["file"]),
            purpose=str(document.get("purpose", "boot")),
        )
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise unusable(volatile, f"{error or type(error).__name__}") from error


def unusable(volatile: StateStore, problem: str) -> SnapshotError:
    """The record does not say what has to be released."""
    return SnapshotError(
        volatile.place_of(FILE),
        f"is damaged, or no record of a boot or shutdown: {problem}",
        "remove it, then run `kvmrt shutdown` with the VMs that do not run: it releases what they held",
    )
