# SPDX-License-Identifier: Apache-2.0
"""Reading and writing the user's documents."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kvmrt_plan.errors import HostError
from kvmrt_plan.hosts.files import read_document, write_document


def test_content_comes_as_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\0\r\n")
    assert read_document(str(tmp_path / "a"), limit_bytes=4) == b"\xff\0\r\n"


def test_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "b").symlink_to("a")
    assert read_document(str(tmp_path / "b"), limit_bytes=4) == b"x"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("missing", "missing cannot be read: No such file or directory"),
        ("folder", "folder is a directory, a file was expected"),
        ("pipe", "pipe is a pipe, a file was expected"),
        ("large", "large is larger than 1 KiB"),
        ("large/x", "large/x cannot be read: Not a directory"),
        ("\0", "cannot be read: embedded null byte"),
    ],
)
def test_what_is_no_document_is_refused(tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"x" * 1025)
    with pytest.raises(HostError) as raised:
        read_document(f"{tmp_path}/{name}", limit_bytes=1024)
    assert problem in raised.value.problem
    assert raised.value.remedy


def test_device_is_refused() -> None:
    with pytest.raises(HostError, match="/dev/zero is a device"):
        read_document("/dev/zero", limit_bytes=1024)


def test_file_that_claims_no_size_is_bounded_too() -> None:
    with pytest.raises(HostError, match="is larger than 0 KiB"):
        read_document("/proc/self/status", limit_bytes=16)


def test_new_document_is_readable_for_all_and_leaves_nothing_else(tmp_path: Path) -> None:
    previous = os.umask(0o022)
    try:
        write_document(str(tmp_path / "a"), "é\udcff\n")
    finally:
        os.umask(previous)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa9\xff\n"
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o644


def test_existing_document_keeps_its_mode_and_its_link(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o600)
    (tmp_path / "b").symlink_to("a")
    write_document(str(tmp_path / "b"), "new")
    assert (tmp_path / "b").readlink() == Path("a")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize("name", ["folder", "pipe", "missing/a", "file/a"])
def test_target_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"old")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(HostError):
        write_document(str(tmp_path / name), "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "pipe"]


def test_failed_write_leaves_the_old_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device", descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(HostError, match="make room on its file system"):
        write_document(str(tmp_path / "a"), "new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]
