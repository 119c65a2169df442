# SPDX-License-Identifier: Apache-2.0
"""Pages: a map as one HTML file without script, fonts or links, that also prints."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from kvmrt_plan import __version__
from kvmrt_plan.values.text import escape_text
from kvmrt_plan.views.map_palette import DARK, LIGHT
from kvmrt_plan.views.map_signs import describe
from kvmrt_plan.views.map_svg import render_svg

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kvmrt_plan.views.map_model import HostMap

_STYLE = (
    f":root{{color-scheme:light dark;--page:{LIGHT.page};--text:{LIGHT.text};--line:{LIGHT.frame};"
    f"--wrong:{LIGHT.wrong};--quiet:{LIGHT.housekeeping}}}"
    "@media (prefers-color-scheme:dark){"
    f":root{{--page:{DARK.page};--text:{DARK.text};--line:{DARK.frame};"
    f"--wrong:{DARK.wrong};--quiet:{DARK.housekeeping}}}}}"
    f"@media print{{:root{{--page:{LIGHT.page};--text:{LIGHT.text};--line:{LIGHT.frame};"
    f"--wrong:{LIGHT.wrong};--quiet:{LIGHT.housekeeping}}}tr,p{{break-inside:avoid}}"
    "h2{break-after:avoid}}"
    "body{background:var(--page);color:var(--text);font:15px/1.45 system-ui,sans-serif;"
    "max-width:1000px;margin:1.5rem auto;padding:0 1rem}"
    "svg{max-width:100%;height:auto}table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}"
    "th,td{border:1px solid var(--line);padding:.25rem .5rem;text-align:left;vertical-align:top;"
    "overflow-wrap:anywhere}th{background:var(--quiet);white-space:nowrap}"
    "td:first-child{overflow-wrap:normal}th:nth-child(3){min-width:8em}th:nth-child(6){min-width:7.5em}figure{margin:0}"
    "code,pre,td.v{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:.86em}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere}.wrong{color:var(--wrong);font-weight:bold}"
    # After the rules for screens, which would win otherwise. A map with its heading fits on a page.
    "@media print{body{font-size:9pt}figure{break-inside:avoid}svg{max-height:84vh}}"
)


def render_html(maps: Sequence[HostMap]) -> str:
    """The drawing, with what each CPU does as a table below it."""
    rows = (
        [one.title or "now", *_split(list(describe(cell, one)))]
        for one in maps
        for cell in one.cells()
    )
    return page(
        f"CPUs of host {maps[0].host}",
        [
            *figures(maps),
            "<details><summary>Every CPU in words</summary>",
            table(("When", "CPU", "What it does", "More"), rows),
            "</details>",
            f"<footer><p>kvmrt {escape(__version__)}</p></footer>",
        ],
    )


def figures(maps: Sequence[HostMap]) -> list[str]:
    """A drawing for each map, so that none is cut where a printed page ends."""
    return [f"<figure>{render_svg((one,), part=part)}</figure>" for part, one in enumerate(maps)]


def _split(words: list[str]) -> list[str]:
    cpu, _, what = words[0].partition(": ")
    return [cpu, what, "; ".join(words[1:])]


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page; the parts are HTML already."""
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{safe(title)}</title>",
            f"<style>{_STYLE}</style>\n</head>\n<body>",
            f"<h1>{safe(title)}</h1>",
            *parts,
            "</body>\n</html>\n",
        ]
    )


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the cells are text from outside."""
    head = "".join(f'<th scope="col">{safe(one)}</th>' for one in headings)
    body = "\n".join(
        f"<tr>{''.join(f'<td>{safe(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def safe(text: str) -> str:
    """Text from outside, as HTML."""
    return escape(escape_text(text))
