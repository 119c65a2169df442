# SPDX-License-Identifier: Apache-2.0
"""What mkdocs asks of this project (mkdocs.yml, hooks): generated pages, links out of docs/, the navigation.

The README is the first page. The commands are generated from the parsers, so that no page can be behind them;
schemas, examples and the other files that pages link to are part of the site.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

from kvmrt_plan.cli.arguments import COMMANDS, build_command_parser

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent

#: Sections of the navigation. A page that is not there yet is left out, one that is new stands under More.
SECTIONS = {
    "Start": ("index.md", "first-steps.md", "examples.md"),
    "How to": (
        "first-rt-vm.md", "from-kvm-rt.md", "from-a-hook.md", "conversions.md", "in-ci.md",
        "checks.md", "snapshots.md", "reverting.md",
    ),
    "Reference": (
        "commands.md", "configuration.md", "findings.md", "host-checks.md", "views.md",
    ),
    "Why": ("policies.md", "isolation.md", "rationale.md", "architecture.md"),
    "Project": ("CHANGELOG.md", "CONTRIBUTING.md", "lab.md"),
}  # fmt: skip

#: Pages that lie outside of docs/, by their place in the site.
SOURCES = {
    "index.md": "README.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "examples.md": "examples/README.md",
}

_LINK = re.compile(r"(\]\()(?!https?://|mailto:|#)([^)\s#]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages and files that do not lie in docs/."""
    for name, source in SOURCES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=text))
    files.append(File.generated(config, "commands.md", content=commands_page()))
    pages = [one for one in files if one.src_uri.endswith(".md")]
    linked = {in_site(to, one.src_uri) for one in pages for to in links(one.content_string)}
    for target in sorted(linked):
        if files.get_file_from_path(target) is None and (ROOT / target).is_file():
            content = (ROOT / target).read_bytes()
            files.append(File.generated(config, target, content=content))
    config.nav = _navigation(files)
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Makes links to the files of the repository links within the site."""
    return _LINK.sub(lambda found: f"{found[1]}{in_site(found[2], page.file.src_uri)}", markdown)


def links(text: str) -> list[str]:
    """What a page links to in the repository."""
    return [target for _, target in _LINK.findall(text)]


def in_site(target: str, page: str) -> str:
    """Where a file is in the site, as seen from its root, on which all pages lie.

    A folder has no page; the README in it, or in the nearest folder above, is meant.
    """
    base = posixpath.dirname(SOURCES.get(page, f"docs/{page}"))
    path = posixpath.normpath(posixpath.join(base, target))
    pages = {source: name for name, source in SOURCES.items()}
    if (ROOT / path).is_dir():
        while f"{path}/README.md" not in pages and "/" in path:
            path = posixpath.dirname(path)
        path = f"{path}/README.md"
    return pages.get(path, path.removeprefix("docs/"))


def commands_page() -> str:
    """Every command with its help, as the terminal shows it at 80 columns."""
    parts = [
        "# Commands\n",
        "Generated from the parsers. `kvmrt COMMAND --help` shows the same, and `man kvmrt-COMMAND`",
        "where the manual pages are installed (`kvmrt man DIR`).\n",
    ]
    for name in COMMANDS:
        text = build_command_parser(name).format_help()
        parts.append(f"## kvmrt {name}\n\n```text\n{text.rstrip()}\n```\n")
    return "\n".join(parts)


def _navigation(files: Files) -> list[dict[str, list[str]]]:
    present = [one.src_uri for one in files.documentation_pages() if "/" not in one.src_uri]
    named = {name for names in SECTIONS.values() for name in names}
    sections = {**SECTIONS, "More": tuple(sorted(set(present) - named))}
    chosen = {
        title: [name for name in names if name in present] for title, names in sections.items()
    }
    return [{title: names} for title, names in chosen.items() if names]
