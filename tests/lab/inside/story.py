# SPDX-License-Identifier: Apache-2.0
"""A real-time VM on the lab's host, and kvmrt's commands run in this process (starting Python takes
seconds in the lab).
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

from kvmrt_plan.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

UUID = "5b1f0c1e-52c5-4f2a-9a5e-6b5c1d0a7e01"
NAME = "rt1"
#: One thread of each of three cores: CPU 2 for QEMU's own threads, 4 and 6 for a vCPU each.
CONFIGURATION = f"""\
vms:
  {NAME}:
    uuid: {UUID}
    nr_vcpus: 2
    cpuset: 2,4,6
    rt: true
"""
#: The others of the three cores.
SIBLINGS = (3, 5, 7)
#: What is left to the host.
HOUSEKEEPING = "0-1"
# tb-cache: locked memory holds the emulator's code cache too, which would be 1 GiB by default.
DOMAIN = f"""\
<domain type='qemu'>
  <name>{NAME}</name>
  <uuid>{UUID}</uuid>
  <memory unit='MiB'>64</memory>
  <vcpu placement='static'>2</vcpu>
  <features><acpi/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg></features>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <memballoon model='none'/>
  </devices>
</domain>
"""


def kvmrt(*arguments: str) -> tuple[int, str]:
    """The exit code and the output of a command."""
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        status = main(arguments)
    return status, output.getvalue()


def start_kvmrt(log: Path, *arguments: str) -> int:
    """Run a command in a process of its own, which can be killed; its number."""
    process = os.fork()
    if process:
        return process
    status = 70
    try:
        with log.open("w") as file, redirect_stdout(file), redirect_stderr(file):
            status = main(arguments)
    except BaseException:  # noqa: BLE001  nothing of the parent may run on in the child
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)
