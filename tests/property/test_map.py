# SPDX-License-Identifier: Apache-2.0
"""What holds for the map of any host: nothing is left out, nothing overlaps."""

from __future__ import annotations

from itertools import combinations

from facts_builders import make_configuration, make_host, make_vm
from hypothesis import given
from hypothesis import strategies as st

from kvmrt_plan.placement.place import place
from kvmrt_plan.values.cpuset import CpuSet
from kvmrt_plan.views.map_drawn import draw
from kvmrt_plan.views.map_layout import Metric, lay_out
from kvmrt_plan.views.map_text import TextStyle, render_map


@st.composite
def maps(draw_value):
    """Maps of hosts of up to 2 x 6 x 2 CPUs, whole or folded, with any VMs at all."""
    shape = {
        "sockets": draw_value(st.integers(1, 2)),
        "cores": draw_value(st.integers(1, 6)),
        "threads": draw_value(st.integers(1, 2)),
        "nodes": draw_value(st.integers(0, 2)),
    }
    count = shape["sockets"] * shape["cores"] * shape["threads"]
    offline = draw_value(st.sets(st.integers(1, max(1, count - 1)), max_size=3))
    host = make_host(**shape, offline=str(CpuSet(cpu for cpu in offline if cpu < count)))
    vms = [
        make_vm(
            number,
            f"vm{number}",
            str(CpuSet(draw_value(st.sets(st.integers(0, 30), max_size=9)))),
            nr_vcpus=draw_value(st.integers(1, 6)),
            rt=draw_value(st.booleans()),
        )
        for number in range(draw_value(st.integers(0, 4)))
    ]
    drawn = draw(host, place(make_configuration(*vms), host))
    return host, drawn.maps(draw_value(st.sampled_from(["always", "never"])))


@given(maps())
def test_each_cpu_that_is_present_stands_on_the_map_exactly_once(case):
    host, found = case

    numbers = [cpu for cell in found[0].cells() for cpu in cell.cpus]

    assert sorted(numbers) == list(host.cpus.present)


@given(maps(), st.integers(8, 120), st.integers(0, 5), st.integers(0, 5))
def test_no_box_overlaps_another_or_leaves_the_drawing(case, width, gap, padding):
    _, found = case
    metric = Metric(
        width=width, heading=2, row=3, padding=padding, gap=gap, place_gap=gap, indent=padding,
        cell_width=lambda cell: 4 + len(str(cell.cpus)),
    )  # fmt: skip

    layout = lay_out(found[0], metric)
    boxes = [core for one in layout.places for core in one.cores]

    assert all(
        box.x >= 0
        and box.y >= 2
        and box.x + box.width <= layout.width
        and box.y + box.height <= layout.height
        for box in boxes
    )
    for one, other in combinations(boxes, 2):
        apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
        apart_y = one.y + one.height <= other.y or other.y + other.height <= one.y
        assert apart_x or apart_y
    for box in boxes:
        assert [cell.y for cell in box.cells] == sorted({cell.y for cell in box.cells})
        assert all(
            box.x <= cell.x
            and cell.x + cell.width <= box.x + box.width
            and box.y <= cell.y
            and cell.y + cell.height <= box.y + box.height
            for cell in box.cells
        )


@given(maps(), st.integers(40, 200))
def test_no_line_of_the_text_is_wider_than_the_terminal(case, width):
    _, found = case
    folds = any(core.count > 1 for place_ in found[0].places for core in place_.cores)
    text = render_map(found, TextStyle(width=width))

    # A folded box names its CPUs in full, whatever that takes.
    assert folds or max(map(len, text.split("\n"))) <= width
