# SPDX-License-Identifier: Apache-2.0
"""`kvmrt check`: configurations against snapshots of their hosts, for reviews and CI."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kvmrt_plan.cli.check_files import check_paths, find_pairs
from kvmrt_plan.cli.terminal import wants_colour, width_of
from kvmrt_plan.desired.allow_attributes import parse_code, parse_reason
from kvmrt_plan.desired.allowance import Allowance
from kvmrt_plan.desired.attribute import BadValue
from kvmrt_plan.errors import UsageError
from kvmrt_plan.fleet.check import Terms
from kvmrt_plan.fleet.report import make_report

if TYPE_CHECKING:
    import argparse

    from kvmrt_plan.fleet.checked import Report

EXIT_CHANGES = 2


def run(arguments: argparse.Namespace) -> int:
    """Check every configuration, print one report; 1 for errors, 2 for changes."""
    terms = Terms(
        now=_now(),
        allowances=tuple(map(_allowance, arguments.allowances)),
        is_strict=arguments.strict,
        limit_days=arguments.max_age or None,
        has_no_hosts=arguments.no_host,
    )
    pairs = find_pairs(arguments.paths, arguments.hosts, is_alone=arguments.no_host)
    report = make_report(check_paths(pairs, terms, jobs=arguments.jobs), is_strict=arguments.strict)
    code = _exit_code(report, has_accepted=arguments.accept_changes)
    sys.stdout.write(_render(report, arguments, code))
    return code


def _render(report: Report, arguments: argparse.Namespace, code: int) -> str:
    # Each format loads what it needs and no other.
    match arguments.format:
        case "json":
            from kvmrt_plan.values.document import dump_document
            from kvmrt_plan.views.check_json import report_document

            return dump_document(report_document(report))
        case "sarif":
            from kvmrt_plan.values.document import dump_document
            from kvmrt_plan.views.sarif import sarif_document

            return dump_document(sarif_document(report, exit_code=code))
        case "junit":
            from kvmrt_plan.views.junit import render_junit

            return render_junit(report)
        case "github":
            from kvmrt_plan.views.annotations import render_annotations

            return render_annotations(report)
        case "markdown":
            from kvmrt_plan.views.check_markdown import render_markdown

            return render_markdown(report)
    from kvmrt_plan.views.check_text import render_report

    return render_report(
        report,
        width=width_of(sys.stdout),
        is_coloured=wants_colour(sys.stdout),
        is_verbose=arguments.verbose,
    )


def _exit_code(report: Report, *, has_accepted: bool) -> int:
    if report.is_errored:
        return 1
    return EXIT_CHANGES if report.changes and not has_accepted else 0


def _allowance(text: str) -> Allowance:
    code, _, reason = text.partition(":")
    try:
        return Allowance(code=parse_code(code.strip()), reason=parse_reason(reason.strip()))
    except BadValue as error:
        raise UsageError(
            f"--allow {text!r:.80}: {error.expected}", 'write it like --allow KR104:"why"'
        ) from None


def _now() -> datetime:
    """The time, or what SOURCE_DATE_EPOCH says it is: reports can be made again, byte for byte."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    # Up to the year 9999, which is as far as datetime counts.
    seconds = int(fixed) if fixed.isdecimal() and len(fixed) <= 11 else int(time.time())
    return datetime.fromtimestamp(seconds, UTC)
