# SPDX-License-Identifier: Apache-2.0
"""Every captured host beside the checkout has a map on which each of its CPUs stands once."""

from __future__ import annotations

import tarfile
from xml.etree import ElementTree as ET

from kvmrt_plan.facts.gather import gather_facts
from kvmrt_plan.hosts.capture import capture_root
from kvmrt_plan.views.map_drawn import draw
from kvmrt_plan.views.map_html import render_html
from kvmrt_plan.views.map_svg import render_svg
from kvmrt_plan.views.map_text import TextStyle, render_map

#: Folders with most of the files and nothing that is captured; left out to save time.
_BULK = frozenset({"cache", "cpufreq", "cpuidle", "power", "thermal_throttle", "memory", "block"})


def _without_bulk(member: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    if _BULK.isdisjoint(member.name.split("/")):
        return tarfile.data_filter(member, folder)
    return None


def test_every_captured_host_is_drawn(shared_data, tmp_path):
    dumps = sorted((shared_data / "hosts").glob("*/*.tar.xz"))
    assert len(dumps) >= 40

    for dump in dumps:
        folder = tmp_path / dump.parent.name
        with tarfile.open(dump) as archive:
            archive.extractall(folder, filter=_without_bulk)
        root = folder / dump.name.removesuffix(".tar.xz")
        facts = gather_facts(capture_root(str(root), name=root.name, captured=""))
        drawn = draw(facts)
        for maps in (drawn.maps("auto"), drawn.maps("always"), drawn.maps("never")):
            numbers = [cpu for cell in maps[0].cells() for cpu in cell.cpus]
            assert sorted(numbers) == list(facts.cpus.present), root
            text = render_map(maps, TextStyle(width=80))
            assert text.endswith("\n")
            svg = render_svg(maps)
            ET.fromstring(svg)
            assert svg == render_svg(maps)
            assert render_html(maps).endswith("</html>\n")
        widest = max(map(len, render_map(drawn.maps("never"), TextStyle(width=80)).split("\n")))
        assert widest <= 80, root
