# SPDX-License-Identifier: Apache-2.0
"""The command line: what `kvmrt` takes. Loads nothing but argparse, so that --help is quick."""

from __future__ import annotations

import argparse

from kvmrt_plan import __version__

#: Looked for in this order when -f is not given.
DEFAULT_CONFIGURATIONS = ("/etc/kvmrt.cfg", "/etc/kvmrt.yaml")

#: Documents that have a schema.
SCHEMAS = ("config", "plan", "snapshot", "topology")

_EXIT_CODES = """\
exit codes:
  0 nothing to do, or done    1 error    2 changes pending (--detailed-exitcode)
  70 a bug in kvmrt           130 interrupted
"""


def build_parser() -> argparse.ArgumentParser:
    """The whole parser, every command with an example."""
    parser = argparse.ArgumentParser(
        prog="kvmrt",
        description="Plan, apply and prove the state of a Linux host for real-time KVM guests.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"kvmrt {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_plan(commands)
    _add_show(commands)
    _add_topology(commands)
    _add_snapshot(commands)
    _add_schema(commands)
    return parser


def _add_plan(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands,
        "plan",
        "show what would change, and why; changes nothing",
        "kvmrt plan -f hosts/rt1.yaml --host hosts/rt1.json --detailed-exitcode",
    )
    parser.add_argument("vms", nargs="*", metavar="VM", help="only these VMs, by name")
    _add_configuration(parser)
    _add_host(parser)
    _add_json(parser)
    parser.add_argument("--json-file", metavar="FILE", help="also write the plan as JSON to FILE")
    parser.add_argument("-o", "--out", metavar="PLAN", help="save the plan to PLAN")
    parser.add_argument(
        "--detailed-exitcode", action="store_true", help="exit 2 when there are changes"
    )
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="also show what is right already"
    )


def _add_show(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands,
        "show",
        "show the configuration as it is understood, and which CPU does what",
        "kvmrt show -f kvmrt.yaml --host host.json",
    )
    parser.add_argument("vms", nargs="*", metavar="VM", help="only these VMs, by name")
    _add_configuration(parser)
    _add_host(parser)
    _add_json(parser)


def _add_topology(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands,
        "topology",
        "show NUMA nodes, sockets, cores and logical CPUs",
        "kvmrt topology --json",
    )
    _add_host(parser, with_libvirt=False)
    _add_json(parser)


def _add_snapshot(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands,
        "snapshot",
        "capture this host's raw facts into a file; needs no root",
        "kvmrt snapshot -o host.json",
    )
    _add_host(parser)
    parser.add_argument(
        "-o", "--out", metavar="FILE", required=True, help="the file to write (JSON)"
    )
    parser.add_argument("--name", help="the host's name in the snapshot (default: its host name)")
    parser.add_argument(
        "--no-libvirt", action="store_true", help="do not ask libvirt for its domains"
    )


def _add_schema(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands,
        "schema",
        "print the JSON Schema of a document",
        "kvmrt schema config > config.schema.json",
    )
    parser.add_argument("name", choices=SCHEMAS, metavar="NAME", help=", ".join(SCHEMAS))


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    summary: str,
    example: str,
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example:\n  {example}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_configuration(parser: argparse.ArgumentParser) -> None:
    first, second = DEFAULT_CONFIGURATIONS
    parser.add_argument(
        "-f",
        "--file",
        metavar="FILE",
        help=f"the configuration, INI or YAML (default: {first}, then {second})",
    )


def _add_host(parser: argparse.ArgumentParser, *, with_libvirt: bool = True) -> None:
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


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
