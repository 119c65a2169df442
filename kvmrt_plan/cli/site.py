# SPDX-License-Identifier: Apache-2.0
"""The host that a command changes, as the command line names it."""

from __future__ import annotations

import os
import pwd
import time
from typing import TYPE_CHECKING

from kvmrt_plan.apply.journal import Header
from kvmrt_plan.hosts.libvirt_domains import DEFAULT_URI
from kvmrt_plan.hosts.site import Location

if TYPE_CHECKING:
    import argparse


def location_of(arguments: argparse.Namespace) -> Location:
    """Where the host and its state are."""
    return Location(
        snapshot=arguments.host,
        out=getattr(arguments, "host_out", None),
        uri=getattr(arguments, "connect", None) or DEFAULT_URI,
        state_folder=arguments.state_dir or os.environ.get("KVMRT_STATE_DIR") or None,
    )


def new_header(
    *, purpose: str, plan_digest: str, host: str, boot_id: str, holders: tuple[str, ...] = ()
) -> Header:
    """The header of a run that begins now."""
    now = time.time_ns()
    started = time.gmtime(now // 1_000_000_000)
    # The history is sorted by it, and a boot makes several runs in one second.
    micros = now // 1000 % 1_000_000
    return Header(
        id=f"{time.strftime('%Y%m%dT%H%M%SZ', started)}-{micros:06d}-{os.urandom(3).hex()}",
        purpose=purpose,
        plan_digest=plan_digest,
        host=host,
        boot_id=boot_id,
        user=_user(),
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", started),
        holders=holders,
    )


def _user() -> str:
    """Who runs it: behind sudo, who called sudo. For people only."""
    name = os.environ.get("SUDO_USER")
    if name:
        return name
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
