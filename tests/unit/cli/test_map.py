# SPDX-License-Identifier: Apache-2.0
"""`kvmrt map` as a command: what it takes, and what its exit code says."""

from __future__ import annotations

import shutil
import struct

import pytest

from kvmrt_plan.cli.main import main

HOST = "examples/two-socket.json"

FAULTY = """\
vms:
  one:
    uuid: 6d4a1a4e-1d0c-4f0b-9a57-0e8f6f3b2c01
    nr_vcpus: 2
    cpuset: 5-7,40
    rt: true
"""


@pytest.fixture(autouse=True)
def _here(repository, monkeypatch):
    monkeypatch.chdir(repository)


def test_a_host_is_drawn_without_a_configuration(capsys):
    assert main(["map", "--host", HOST]) == 0

    shown = capsys.readouterr()
    assert "│ 2 A0" in shown.out
    assert shown.err == ""


def test_findings_of_the_plan_stand_beside_the_map(capsys):
    assert main(["map", "--host", HOST, "-f", "examples/two-socket.yaml", "--before-after"]) == 0

    shown = capsys.readouterr()
    assert "BEFORE" in shown.out
    assert "AFTER" in shown.out
    assert "warning KR134" in shown.err


def test_a_faulty_configuration_is_an_error_with_its_findings(capsys, tmp_path):
    file = tmp_path / "faulty.yaml"
    file.write_text(FAULTY, encoding="utf-8")

    assert main(["map", "--host", HOST, "-f", str(file), "--before-after"]) == 1

    shown = capsys.readouterr()
    assert "error KR" in shown.err
    assert "AFTER" not in shown.out


def test_a_configuration_that_cannot_be_read_is_an_error(capsys, tmp_path):
    file = tmp_path / "faulty.yaml"
    file.write_text("vms:\n  one:\n    nr_vcpus: many\n", encoding="utf-8")

    assert main(["map", "--host", HOST, "-f", str(file)]) == 1
    assert "faulty.yaml:3" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--before-after"], ["rt-io"]])
def test_a_plan_needs_a_configuration(capsys, more):
    assert main(["map", "--host", HOST, *more]) == 1
    assert "name one with -f FILE" in capsys.readouterr().err


def test_folding_can_be_asked_for(capsys):
    assert main(["map", "--host", HOST, "--fold", "always"]) == 0
    assert "12-15 . #t" in capsys.readouterr().out


def test_drawings_are_written_and_no_text(capsys, tmp_path):
    svg, html = tmp_path / "host.svg", tmp_path / "host.html"

    assert main(["map", "--host", HOST, "--svg", str(svg), "--html", str(html)]) == 0

    assert capsys.readouterr().out == ""
    assert svg.read_text(encoding="utf-8").startswith("<?xml")
    assert html.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("option", ["--svg", "--html", "--png"])
def test_a_drawing_never_replaces_the_host_it_shows(capsys, option):
    assert main(["map", "--host", HOST, option, HOST]) == 1
    assert "would be written over" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("rsvg-convert") is None, reason="rsvg-convert is not installed")
def test_a_drawing_is_written_as_pixels_twice_as_large(capsys, tmp_path):
    svg, png = tmp_path / "host.svg", tmp_path / "host.png"

    assert main(["map", "--host", HOST, "--svg", str(svg), "--png", str(png)]) == 0

    assert capsys.readouterr().out == ""
    content = png.read_bytes()
    # The PNG specification, 5.2 and 11.2.2: a signature, then a chunk with width and height.
    assert content[:16] == b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
    width, height = struct.unpack(">II", content[16:24])
    assert f'width="{width // 2}" height="{height // 2}"' in svg.read_text(encoding="utf-8")


def test_without_a_converter_nothing_is_written_and_its_package_is_named(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    svg, png = tmp_path / "host.svg", tmp_path / "host.png"

    assert main(["map", "--host", HOST, "--svg", str(svg), "--png", str(png)]) == 1

    assert "Debian: librsvg2-bin" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_the_converter_says_is_passed_on_and_nothing_is_written(capsys, tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "rsvg-convert"
    program.write_text("#!/bin/sh\necho 'image too large' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    png = tmp_path / "host.png"

    assert main(["map", "--host", HOST, "--png", str(png)]) == 1

    assert "rsvg-convert made no PNG: image too large" in capsys.readouterr().err
    assert not png.exists()
