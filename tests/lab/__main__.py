# SPDX-License-Identifier: Apache-2.0
"""`python -m lab`, what `make lab` runs: boots the lab, and shows in it how a real-time VM is applied, booted
and shut down; or runs tests or a command there.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lab.inside_pytest import KVM_TESTS, SHOW, pytest_command, python_command
from lab.kernel import PACKAGES, LabError
from lab.machine import Machine, run_in_lab

#: As env(1) has it for a command that could not be started.
_EXIT_LAB_FAILED = 125


def main() -> int:
    """Run what the arguments ask for, with the exit code of what ran inside."""
    arguments = _parser().parse_args()
    command = arguments.command
    if not command:
        selection = arguments.select or (KVM_TESTS if arguments.kvm else [])
        command = pytest_command(selection) if selection else python_command(SHOW)
    machine = Machine(
        cpus=arguments.cpus,
        kernel=arguments.kernel,
        has_systemd=not arguments.no_systemd,
        has_libvirt=not arguments.no_libvirt,
        has_kvm=arguments.kvm,
        boot_arguments=arguments.boot,
    )
    try:
        ended = run_in_lab(
            machine,
            command,
            seconds=arguments.seconds,
            folder=arguments.folder and Path(arguments.folder).resolve(),
            follow=_show,
        )
    except LabError as error:
        sys.stderr.write(f"lab: {error}\n")
        return _EXIT_LAB_FAILED
    sys.stderr.write(
        f"lab: up after {ended.up_seconds:.1f} s, {ended.total_seconds:.1f} s in all, "
        f"exit code {ended.status}; {ended.folder}\n"
    )
    return ended.status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    parser.add_argument("-c", "--command", help="lines for bash, instead of the show")
    parser.add_argument("--cpus", type=int, choices=(8, 12, 16), default=12, help="default: 12")
    parser.add_argument("--kernel", choices=sorted(PACKAGES), default="rt")
    parser.add_argument("--no-systemd", action="store_true", help="bash as PID 1")
    parser.add_argument("--no-libvirt", action="store_true", help="do not start libvirtd")
    parser.add_argument(
        "--kvm", action="store_true", help="real KVM inside, and its tests instead of the show"
    )
    parser.add_argument("--boot", metavar="ARGUMENTS", default="", help="more boot arguments")
    parser.add_argument("--seconds", type=float, default=900, help="limit for the whole")
    parser.add_argument("--folder", help="what is /lab inside; default: a new one")
    parser.add_argument(
        "select", nargs="*", help="tests to run inside, instead of the show (tests/lab/inside)"
    )
    return parser


def _show(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
