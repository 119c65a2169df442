# SPDX-License-Identifier: Apache-2.0
"""What `kvmrt map` prints, as whole texts and on terminals."""

from __future__ import annotations

import pyte
import pytest
from golden import check_golden
from map_hosts import example, synthetic

from kvmrt_plan.views.map_text import TextStyle, render_map


def on_screen(text: str, columns: int) -> list[str]:
    """The lines that a terminal of that width shows."""
    screen = pyte.Screen(columns, text.count("\n") + 1)
    pyte.Stream(screen).feed(text.replace("\n", "\r\n"))
    return [line.rstrip() for line in screen.display]


@pytest.mark.parametrize("width", [80, 200])
def test_the_example_before_and_after_its_plan_reads_as_it_was_approved(
    repository, update_golden, width
):
    text = render_map(example().whole, TextStyle(width=width))

    check_golden(
        repository / "tests" / "cases" / "map" / f"example-{width}.txt", text, update=update_golden
    )


@pytest.mark.parametrize(("cpus", "fold"), [(2, "auto"), (64, "auto"), (512, "auto")])
def test_a_host_of_any_size_reads_as_it_was_approved(repository, update_golden, cpus, fold):
    text = render_map(synthetic(cpus).maps(fold), TextStyle(width=80))

    check_golden(
        repository / "tests" / "cases" / "map" / f"cpus-{cpus}.txt", text, update=update_golden
    )


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("cpus", [2, 64, 512])
def test_a_terminal_shows_the_same_with_and_without_colours_and_breaks_no_line(cpus, columns):
    maps = synthetic(cpus).maps("auto")
    plain = render_map(maps, TextStyle(width=columns))
    coloured = render_map(maps, TextStyle(width=columns, is_coloured=True))

    assert max(map(len, plain.split("\n"))) <= columns
    assert "\x1b[" in coloured
    assert "\x1b[" not in plain
    assert on_screen(coloured, columns) == on_screen(plain, columns) == plain.split("\n")


@pytest.mark.parametrize("columns", [80, 200])
def test_a_terminal_shows_before_and_after_without_breaking_a_line(columns):
    plain = render_map(example().whole, TextStyle(width=columns))
    coloured = render_map(example().whole, TextStyle(width=columns, is_coloured=True))

    assert on_screen(coloured, columns) == plain.split("\n")


def test_what_deviates_is_red_on_a_terminal():
    text = render_map(example().whole, TextStyle(width=80, is_coloured=True))
    screen = pyte.Screen(80, text.count("\n") + 1)
    pyte.Stream(screen).feed(text.replace("\n", "\r\n"))
    row = next(number for number, line in enumerate(screen.display) if "21 B~!" in line)
    column = screen.display[row].index("21 B~!")

    cells = [screen.buffer[row][column + offset] for offset in range(6)]

    assert {(cell.fg, cell.bold) for cell in cells} == {("red", True)}


def test_64_cpus_fit_two_screens_of_80_columns():
    lines = render_map(synthetic(64).maps("auto"), TextStyle(width=80)).split("\n")

    assert len(lines) <= 48


def test_512_cpus_are_folded_and_each_stands_on_the_map_once():
    folded = synthetic(512).maps("auto")[0]

    numbers = [cpu for cell in folded.cells() for cpu in cell.cpus]

    assert len(list(folded.cells())) < 20
    assert sorted(numbers) == list(range(512))


def test_a_terminal_without_line_characters_gets_ascii():
    text = render_map(synthetic(64).whole, TextStyle(width=80, has_unicode=False))

    assert text.isascii()
