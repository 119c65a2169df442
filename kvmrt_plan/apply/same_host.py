# SPDX-License-Identifier: Apache-2.0
"""A journal belongs to one host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.errors import UsageError

if TYPE_CHECKING:
    from kvmrt_plan.apply.journal import Header
    from kvmrt_plan.ports import Host


def require_same_host(host: Host, header: Header) -> None:
    """A journal is undone only on the host that it was written for.

    Raises:
        UsageError: it is another's.
    """
    if header.host and header.host != host.name:
        raise UsageError(
            f"run {header.id} was made on host {header.host}, this is {host.name}",
            "name the state folder of this host with --state-dir, or KVMRT_STATE_DIR",
        )
