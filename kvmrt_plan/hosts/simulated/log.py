# SPDX-License-Identifier: Apache-2.0
"""The present state of a simulated host: its snapshot file, and the log of a run that was killed.

Apart from `storage.py`, so that looking at a host does not load what changing one needs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kvmrt_plan.facts.document import MAX_SNAPSHOT_BYTES, load_snapshot
from kvmrt_plan.hosts.files import read_document
from kvmrt_plan.hosts.simulated.texts import Texts

if TYPE_CHECKING:
    from kvmrt_plan.facts.snapshot import Snapshot

#: Changes since the snapshot file was written, beside it.
LOG_SUFFIX = ".writes"


def read_snapshot_file(path: str) -> Snapshot:
    """The simulated host's present state: the file, and what a killed run has changed since.

    Raises:
        KvmrtError: the file cannot be read, or is no snapshot.
    """
    content = read_document(path, limit_bytes=MAX_SNAPSHOT_BYTES)
    snapshot = load_snapshot(content, file=path)
    lines = logged_lines(path + LOG_SUFFIX)
    if not lines:
        return snapshot
    texts = Texts(snapshot)
    for line in lines:
        texts.replay(line)
    return texts.snapshot()


def logged_lines(path: str) -> list[bytes]:
    """Complete lines of the log: a torn last one was never made.

    Raises:
        HostError: there is a log, and it cannot be read.
    """
    if not os.path.lexists(path):
        return []
    content = read_document(path, limit_bytes=MAX_SNAPSHOT_BYTES)
    return content[: content.rfind(b"\n") + 1].split(b"\n")[:-1]
