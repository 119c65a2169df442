# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from kvmrt_plan.values.cpuset import CpuListError, CpuSet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, _ActionsContainer

#: Looked for in this order when -f is not given.
DEFAULT_CONFIGURATIONS = ("/etc/kvmrt.cfg", "/etc/kvmrt.yaml")


#: A week: whoever needs longer does not watch.
_MOST_SECONDS = 604_800.0


def seconds(text: str) -> float:
    """A time that is not nothing.

    Raises:
        ValueError: as argparse wants it.
    """
    value = float(text)
    # NaN compares false with everything.
    if not 0 < value <= _MOST_SECONDS:
        raise ValueError(text)
    return value


def positive(text: str) -> int:
    """A whole number above zero, for argparse.

    Raises:
        ValueError: it is none.
    """
    number = int(text)
    if not 0 < number <= 4096:
        raise ValueError(text)
    return number


def wait_seconds(text: str) -> float:
    """A time that may be nothing.

    Raises:
        ValueError: it is negative, endless or no number.
    """
    number = float(text)
    if not 0 <= number <= 86400:
        raise ValueError(text)
    return number


def add_configuration(parser: ArgumentParser) -> None:
    """-f FILE."""
    first, second = DEFAULT_CONFIGURATIONS
    parser.add_argument(
        "-f",
        "--file",
        metavar="FILE",
        help=f"the configuration, INI or YAML (default: {first}, then {second})",
    )


def add_vms(parser: ArgumentParser) -> None:
    """Names of VMs, to narrow what is done."""
    parser.add_argument("vms", nargs="*", metavar="VM", help="only these VMs, by name")


def add_host(parser: ArgumentParser, *, with_libvirt: bool = True) -> None:
    """A host that a command looks at."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--host", metavar="SNAPSHOT", help="use this snapshot as a simulated host, not this machine"
    )
    where.add_argument(
        "--root", metavar="DIR", help="read a captured tree with proc/ and sys/ in DIR"
    )
    if with_libvirt:
        parser.add_argument(
            "--connect", metavar="URI", help="libvirt to ask (default: qemu:///system)"
        )


def add_changed_host(parser: ArgumentParser) -> None:
    """A host that a command changes."""
    parser.add_argument(
        "--host", metavar="SNAPSHOT", help="change this simulated host, not this machine"
    )
    parser.add_argument(
        "--host-out", metavar="FILE", help="write the simulated host's new state to FILE"
    )
    parser.add_argument("--connect", metavar="URI", help="libvirt to use (default: qemu:///system)")
    parser.add_argument(
        "--lock-timeout",
        metavar="SECONDS",
        type=float,
        default=0,
        help="wait so long for another run to end (default: not at all)",
    )
    add_state(parser)


def add_state(parser: ArgumentParser) -> None:
    """--state-dir DIR."""
    parser.add_argument(
        "--state-dir",
        metavar="DIR",
        help="where the journal is (default: $KVMRT_STATE_DIR, /var/lib/kvmrt; for a simulated "
        "host beside its snapshot)",
    )


def add_consent(parser: ArgumentParser) -> None:
    """--yes."""
    parser.add_argument("--yes", action="store_true", help="do not ask")


def add_cpus(parser: ArgumentParser, text: str) -> None:
    """-c CPUS."""
    parser.add_argument("-c", "--cpus", metavar="CPUS", type=cpulist, help=text)


def cpulist(text: str) -> CpuSet:
    """For argparse: the CPUs that an option names.

    Raises:
        argparse.ArgumentTypeError: the text is no list, or names none.
    """
    try:
        found, problem = CpuSet.parse(text), "names no CPU"
    except CpuListError as error:
        found, problem = CpuSet(), error.problem
    if not found:
        # Only to refuse: a quick view does without argparse.
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"{text!r}: {problem}; expected a list such as 2,4-7")
    return found


def add_apply(parser: ArgumentParser) -> None:
    """How a plan is applied."""
    parser.add_argument(
        "--dry-run", action="store_true", help="make every check, and write nothing"
    )
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument(
        "--keep", action="store_true", help="keep what was written when it cannot be proven"
    )


def add_json(parser: _ActionsContainer) -> None:
    """--json."""
    parser.add_argument("--json", action="store_true", help="print JSON")
