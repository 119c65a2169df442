# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt tasks` takes."""

from __future__ import annotations

from kvmrt_plan.cli.options import add_cpus, add_host, add_json, cpulist

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "show every thread: its policy, where it may run and where it ran last"
EXAMPLE = "kvmrt tasks --who-disturbs 4-7"


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    add_cpus(parser, "only threads that may run on these CPUs")
    parser.add_argument(
        "--name", metavar="PATTERN", help="only threads of this name; may have * and ? in it"
    )
    parser.add_argument(
        "--movable", action="store_true", help="only threads whose affinity can be changed"
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--kernel", action="store_true", help="only kernel threads")
    kind.add_argument("--user", action="store_true", help="only threads of processes")
    parser.add_argument("--cgroup", action="store_true", help="also show each thread's cgroup")
    parser.add_argument(
        "--who-disturbs",
        metavar="CPUS",
        type=cpulist,
        help="show instead everything that can still interrupt these CPUs, and what removes it",
    )
    add_host(parser, with_libvirt=False)
    add_json(parser)
