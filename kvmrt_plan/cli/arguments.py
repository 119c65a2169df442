# SPDX-License-Identifier: Apache-2.0
"""The command line: what `kvmrt` takes. Loads nothing but argparse, so that --help is quick."""

from __future__ import annotations

import argparse

from kvmrt_plan import __version__

#: Looked for in this order when -f is not given.
DEFAULT_CONFIGURATIONS = ("/etc/kvmrt.cfg", "/etc/kvmrt.yaml")

#: Classes of disturbance that --allow permits.
ALLOWED = ("guest-threads",)
#: Documents that have a schema.
SCHEMAS = ("config", "plan", "snapshot", "topology")

_EXIT_CODES = """\
exit codes:
  0 nothing to do, or done             1 error
  2 changes (plan --detailed-exitcode)  3 the plan is stale, nothing was written
  4 failed and fully taken back         5 failed, and not everything is back
  6 another run holds the lock          70 a bug in kvmrt
  130 interrupted
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
    _add_apply(commands)
    _add_revert(commands)
    _add_recover(commands)
    _add_history(commands)
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


def _add_apply(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands,
        "apply",
        "perform a plan exactly, prove it, or leave the host as it was",
        "kvmrt plan -o p.json && kvmrt apply p.json",
    )
    parser.add_argument(
        "vms", nargs="*", metavar="PLAN|VM", help="a saved plan; or only these VMs, by name"
    )
    _add_configuration(parser)
    _add_changed_host(parser)
    _add_json(parser)
    _add_consent(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="make every check, and write nothing"
    )
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument(
        "--allow",
        action="append",
        metavar="CLASS",
        choices=ALLOWED,
        help=f"permit what touches a running guest: {', '.join(ALLOWED)}",
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep what was written when it cannot be proven"
    )
    parser.add_argument(
        "--release",
        action="append",
        metavar="VM",
        default=[],
        help="give back what this VM holds, as far as no other needs it",
    )


def _add_revert(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "revert", "take a run back and read every value back", "kvmrt revert --yes"
    )
    parser.add_argument(
        "id", nargs="?", metavar="RUN", help="from `kvmrt history`; default: the last applied"
    )
    _add_changed_host(parser)
    _add_consent(parser)


def _add_recover(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "recover", "finish, backwards, a run that was killed", "kvmrt recover"
    )
    _add_changed_host(parser)


def _add_history(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _command(
        commands, "history", "list what kvmrt has changed on this host", "kvmrt history"
    )
    _add_state(parser)
    parser.add_argument("--host", metavar="SNAPSHOT", help="of this simulated host")
    _add_json(parser)


def _add_changed_host(parser: argparse.ArgumentParser) -> None:
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
    _add_state(parser)


def _add_state(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--state-dir",
        metavar="DIR",
        help="where the journal is (default: $KVMRT_STATE_DIR, /var/lib/kvmrt; for a simulated "
        "host beside its snapshot)",
    )


def _add_consent(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


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
