# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt check` takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kvmrt_plan.cli.options import positive

if TYPE_CHECKING:
    from argparse import ArgumentParser

SUMMARY = "check configurations against snapshots of their hosts, for reviews and CI"
EXAMPLE = "kvmrt check hosts/ --strict --format markdown"
FORMATS = ("text", "json", "sarif", "junit", "github", "markdown")
#: A host that nobody has looked at for a month is another one.
DEFAULT_MAX_AGE_DAYS = 30


def add_arguments(parser: ArgumentParser) -> None:
    """Adds them."""
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="configurations, or folders with them (.yaml, .yml, .cfg)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--host",
        dest="hosts",
        action="append",
        default=[],
        metavar="SNAPSHOT",
        help="check against this snapshot, or against NAME.json in this folder; may be repeated "
        "(default: hosts/rt1.json for hosts/rt1.yaml)",
    )
    where.add_argument(
        "--no-host", action="store_true", help="check what can be checked without any host"
    )
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)} (default: text)",
    )
    parser.add_argument("--strict", action="store_true", help="treat warnings as errors")
    parser.add_argument(
        "--allow",
        dest="allowances",
        action="append",
        default=[],
        metavar="CODE:REASON",
        help='accept a warning, as in --allow KR104:"measured with both nodes"',
    )
    parser.add_argument(
        "--max-age",
        type=_days,
        default=DEFAULT_MAX_AGE_DAYS,
        metavar="DAYS",
        help="warn of older snapshots (default: %(default)s; 0: of none)",
    )
    parser.add_argument(
        "--accept-changes", action="store_true", help="exit 0 and not 2 when there are changes"
    )
    parser.add_argument(
        "--jobs", type=positive, metavar="N", help="processes (default: one for each CPU)"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="also show the plans")


def _days(text: str) -> int:
    """A number of days for argparse; ValueError for anything else."""
    number = int(text)
    if not 0 <= number <= 36500:
        raise ValueError(text)
    return number
