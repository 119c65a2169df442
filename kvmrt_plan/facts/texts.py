# SPDX-License-Identifier: Apache-2.0
"""Raw texts of a host by path: what facts are parsed from, be it a whole snapshot or a part of a host.

The quick views read only the few files that they show; dataclasses alone would cost them 10 ms of
start-up, which is why this is a plain class and the facts they show are named tuples.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Texts:
    """Texts, links and what could not be read, as in a `Snapshot`, which is one."""

    __slots__ = ()

    #: Texts by path.
    files: Mapping[str, str]
    #: Targets of links by path; "" for a folder.
    links: Mapping[str, str]
    #: The errno's name by path.
    unreadable: Mapping[str, str]
    _entries: dict[str, tuple[str, ...]]

    def read(self, path: str) -> str | None:
        """The text at the path, None when it was not there (or not readable)."""
        return self.files.get(path)

    def entries(self, folder: str) -> tuple[str, ...]:
        """Sorted names of what lies directly in the folder; empty when there is none."""
        if not self._entries:
            self._entries.update(self._index())
        return self._entries.get(folder.rstrip("/"), ())

    def numbered(self, folder: str, prefix: str) -> Iterator[tuple[int, str]]:
        """Entries of the folder named prefix and number (`cpu12`), ascending, with their paths."""
        found = []
        for name in self.entries(folder):
            digits = name[len(prefix) :]
            if name.startswith(prefix) and _is_number(digits):
                found.append((int(digits), f"{folder.rstrip('/')}/{name}"))
        return iter(sorted(found))

    def _index(self) -> dict[str, tuple[str, ...]]:
        children: dict[str, set[str]] = {"": set()}
        for whole in (*self.files, *self.links, *self.unreadable):
            path = whole
            while path:
                parent, _, name = path.rpartition("/")
                if parent in children:
                    # Whoever made the folder has linked it to its ancestors.
                    children[parent].add(name)
                    break
                children[parent] = {name}
                path = parent
        return {folder: tuple(sorted(names)) for folder, names in children.items()}


class PartialTexts(Texts):
    """The texts of a part of a host."""

    __slots__ = ("_entries", "files", "links", "unreadable")

    def __init__(
        self,
        files: Mapping[str, str],
        links: Mapping[str, str] | None = None,
        unreadable: Mapping[str, str] | None = None,
    ) -> None:
        self.files = files
        self.links = links or {}
        self.unreadable = unreadable or {}
        self._entries = {}


def _is_number(digits: str) -> bool:
    # As the kernel names its folders: no sign, no leading zero, at most 64 bits.
    is_plain = digits.isascii() and digits.isdigit() and len(digits) <= 20
    return is_plain and (digits[0] != "0" or digits == "0")
