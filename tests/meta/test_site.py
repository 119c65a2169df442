# SPDX-License-Identifier: Apache-2.0
"""The documentation is a site without warnings, made without a network."""

from __future__ import annotations

import logging
import socket

import pytest
from repository_files import REPOSITORY

from kvmrt_plan.cli.arguments import COMMANDS

mkdocs_build = pytest.importorskip("mkdocs.commands.build")
mkdocs_config = pytest.importorskip("mkdocs.config")


@pytest.fixture
def site(tmp_path):
    """The site, built with every network connection refused."""
    folder = tmp_path / "site"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_connection", None)
        patch.setattr(socket.socket, "connect", None)
        config = mkdocs_config.load_config(str(REPOSITORY / "mkdocs.yml"), site_dir=str(folder))
        config.plugins.on_startup(command="build", dirty=False)
        mkdocs_build.build(config)
        config.plugins.on_shutdown()
    return folder


def test_the_site_has_every_page_no_warning_and_nothing_from_elsewhere(site, caplog):
    sources = {path.stem for path in (REPOSITORY / "docs").glob("*.md")}
    pages = {path.stem: path.read_text(encoding="utf-8") for path in site.glob("*.html")}
    marks = ('<script src="http', '<link rel="stylesheet" href="http', '<img src="http')

    assert sources <= set(pages)
    assert [name for name in COMMANDS if f">kvmrt {name}<" not in pages["commands"]] == []
    assert [name for name, text in pages.items() if any(mark in text for mark in marks)] == []
    # A warning would have ended the build as well: mkdocs.yml says strict.
    made = caplog.get_records("setup")
    assert [one.getMessage() for one in made if one.levelno >= logging.WARNING] == []
