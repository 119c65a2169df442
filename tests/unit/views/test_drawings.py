# SPDX-License-Identifier: Apache-2.0
"""Maps as SVG and HTML: well-formed, the same every time, legible, complete without colours."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest
from map_hosts import example, synthetic

from kvmrt_plan.views.map_html import render_html
from kvmrt_plan.views.map_palette import DARK, LIGHT, PATTERNS
from kvmrt_plan.views.map_svg import render_svg

SVG = "{http://www.w3.org/2000/svg}"


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_marks_are_legible_on_every_fill(palette):
    grounds = (palette.page, palette.housekeeping, palette.offline, *palette.fills)

    assert all(contrast(palette.text, ground) >= 4.5 for ground in grounds)
    assert all(contrast(palette.wrong, ground) >= 4.5 for ground in grounds)
    for strip, fill in zip(palette.strips, palette.fills, strict=True):
        assert contrast(strip, fill) >= 3
        assert contrast(strip, palette.page) >= 3
        assert contrast(strip, palette.offline) >= 2.4
    assert contrast(palette.frame, palette.page) >= 3


def test_no_two_vms_share_a_pattern_before_all_are_used():
    assert len(set(PATTERNS)) == len(PATTERNS) == len(LIGHT.fills) == len(DARK.fills)


@pytest.mark.parametrize("cpus", [1, 2, 64, 256, 512])
def test_a_drawing_is_well_formed_and_has_the_same_bytes_every_time(cpus):
    maps = synthetic(cpus).maps("never")
    svg = render_svg(maps)
    root = ET.fromstring(svg)

    assert svg == render_svg(maps)
    assert root.find(f"{SVG}title").text == "CPUs of host test-host"
    assert f"{cpus} CPU" in root.find(f"{SVG}desc").text
    assert root.get("aria-labelledby").split() == [
        root.find(f"{SVG}{name}").get("id") for name in ("title", "desc")
    ]
    cells = root.findall(f"{SVG}g")
    assert len(cells) == cpus
    assert all(cell.find(f"{SVG}title").text.startswith("CPU ") for cell in cells)


@pytest.mark.parametrize("cpus", [2, 64, 256])
def test_nothing_of_a_drawing_is_cut_and_no_cells_overlap(cpus):
    root = ET.fromstring(render_svg(synthetic(cpus).maps("never")))
    width, height = int(root.get("width")), int(root.get("height"))
    areas = []
    for group in root.findall(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        x, y, wide, high = (int(rect.get(name)) for name in ("x", "y", "width", "height"))
        areas.append((x, y, x + wide, y + high))
        for text in group.findall(f"{SVG}text"):
            # 8 points for a character of a font of 12 is more than any monospace font takes.
            left = int(text.get("x")) - (8 * len(text.text) if text.get("text-anchor") else 0)
            assert x <= left
            assert left + 8 * len(text.text) <= x + wide + 2

    assert all(x >= 0 and y >= 0 and right <= width and low <= height for x, y, right, low in areas)
    assert all(
        one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        for one, other in combinations(areas, 2)
    )
    for text in root.findall(f"{SVG}text"):
        assert int(text.get("x")) + 8 * len(text.text) <= width
        assert int(text.get("y")) <= height


def test_folding_holds_for_drawings_too():
    folded = ET.fromstring(render_svg(synthetic(64).maps("always")))

    assert len(folded.findall(f"{SVG}g")) < 10


@pytest.mark.parametrize("render", [render_svg, render_html])
def test_names_from_outside_are_text_and_nothing_is_loaded_or_run(render):
    shown = render(synthetic(64).whole)

    assert "control &lt;&amp;&gt; \\u202e" in shown
    assert "\u202e" not in shown
    assert "<script" not in shown
    assert re.findall(r'(?:href|src|url)\s*[=(]\s*["\']?(?!#)[^"\')]*', shown) == []


def test_a_page_says_every_cpu_in_words():
    page = render_html(example().whole)

    assert page.count("<tr><td>before</td>") == page.count("<tr><td>after</td>") == 32
    assert "<td>rt-io, vCPU 0</td>" in page
    assert "differs: is online, belongs offline" in page
    assert page.count("<h1>") == 1


def test_a_page_has_a_drawing_for_each_map_and_no_identifier_twice():
    page = render_html(example().whole)

    drawings = re.findall(r"<figure>(.*?)</figure>", page, re.DOTALL)
    assert [ET.fromstring(one).findtext(f"{SVG}desc").split(":")[0] for one in drawings] == [
        "before",
        "after",
    ]
    identifiers = re.findall(r'\bid="([^"]*)"', page)
    assert len(identifiers) == len(set(identifiers))
    referred = re.findall(r"url\(#([^)]*)\)", page)
    named = re.findall(r'aria-labelledby="(\S+) (\S+)"', page)
    assert {*referred, *(one for pair in named for one in pair)} <= set(identifiers)
