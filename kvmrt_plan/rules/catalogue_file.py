# SPDX-License-Identifier: Apache-2.0
"""The codes about a configuration file that cannot be used as it is."""

from __future__ import annotations

from kvmrt_plan.desired.problems import CATALOGUE
from kvmrt_plan.rules.catalogue import Entry

_TITLES = dict(CATALOGUE)


def _entry(code: str, *, why: str, example: str, remedy: str, language: str = "yaml") -> Entry:
    return Entry(code, _TITLES[code], "error", why, example, remedy, language)


ENTRIES = (
    _entry(
        "KR001",
        why="Nothing can be planned without a configuration: the path is missing, is a directory, "
        "may not be read, or is far larger than any configuration.",
        example="kvmrt plan -f /etc",
        remedy="name the file with `-f`; without it /etc/kvmrt.cfg and then /etc/kvmrt.yaml are read.",
        language="sh",
    ),
    _entry(
        "KR002",
        why="A file in another encoding would put wrong characters into libvirt's titles and names.",
        example="# saved as Latin-1\ntitle = Prüfstand",
        remedy="save the file as UTF-8 (`iconv -f latin1 -t utf-8 FILE`).",
        language="ini",
    ),
    _entry(
        "KR003",
        why="Control characters can rewrite what a terminal shows, and libvirt refuses them in XML.",
        example='vms:\n  rt1:\n    title: "bell\\a"',
        remedy="remove the character; the finding tells its line.",
    ),
    _entry(
        "KR004",
        why="What cannot be read cannot be followed; nothing is guessed.",
        example="[fde74e84-0e1b-404e-90e7-72101e79c48a\nname = rt1",
        remedy="repair the line: INI has sections in brackets and `name = value`, YAML has "
        "`name: value` with blanks for indentation.",
        language="ini",
    ),
    _entry(
        "KR005",
        why="Of two values one would be ignored in silence.",
        example="vms:\n  rt1:\n    cpuset: 1-2\n    cpuset: 3-4",
        remedy="keep one of the two.",
    ),
    _entry(
        "KR006",
        why="An attribute that is misspelled would silently have its default.",
        example="vms:\n  rt1:\n    cpu_set: 1-2",
        remedy="write the attribute that the finding offers, or remove the line.",
    ),
    _entry(
        "KR007",
        why="A value of another type or outside its range has no meaning.",
        example="vms:\n  rt1:\n    nr_vcpus: many",
        remedy="write a value as `docs/configuration.md` describes it.",
    ),
    _entry(
        "KR008",
        why="A list of CPUs or NUMA nodes is numbers and ascending ranges between commas; a typing "
        "error must not move a guest.",
        example="vms:\n  rt1:\n    cpuset: 7-3",
        remedy="write it like `0,2,4-7`.",
    ),
    _entry(
        "KR009",
        why="A VM is identified by its `uuid` and has a `name`; neither has a default.",
        example="[fde74e84-0e1b-404e-90e7-72101e79c48a]\ncpuset = 1-2",
        remedy="add the attribute; `virsh list --all --uuid --name` shows both.",
        language="ini",
    ),
    _entry(
        "KR010",
        why="A file without any VM is more often an accident than a wish.",
        example="vms: {}",
        remedy="describe a VM, or take libvirt's over with `kvmrt import`.",
    ),
    _entry(
        "KR011",
        why="Aliases, tags and deep nesting can make a small file grow without bound when it is read.",
        example="vms:\n  rt1: &same\n    cpuset: 1-2\n  rt2: *same",
        remedy="write every VM out.",
    ),
    _entry(
        "KR012",
        why="`kvmrt import` takes a domain over only when the file can say it so that the plan is empty "
        "then. INI has no notation for a description whose lines begin with `#` or blanks; a name may be "
        "taken by another VM of the file.",
        example="<name>rt1</name>\n<description>\n  indented\n</description>",
        remedy="keep the configuration in a YAML file, or change the domain.",
        language="xml",
    ),
)
