# SPDX-License-Identifier: Apache-2.0
"""Records behave as frozen dataclasses do."""

from __future__ import annotations

import pytest

from kvmrt_plan.values.record import Record


class Point(Record):
    """A record."""

    x: int
    y: int = 2


def test_fields_without_a_value_have_their_default() -> None:
    assert Point(x=1) == Point(x=1, y=2)


def test_equal_fields_are_equal_and_hash_alike() -> None:
    assert {Point(x=1), Point(y=2, x=1), Point(x=3)} == {Point(x=1), Point(x=3)}


def test_other_classes_are_never_equal() -> None:
    class Other(Record):
        x: int
        y: int = 2

    assert Point(x=1) != Other(x=1)


def test_a_copy_differs_in_the_named_fields_only() -> None:
    assert Point(x=1).replace(y=5) == Point(x=1, y=5)


@pytest.mark.parametrize("values", [{}, {"y": 1}, {"x": 1, "z": 2}, {"y": 1, "z": 2}])
def test_missing_and_unknown_fields_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="missing or unknown"):
        Point(**values)


def test_nothing_can_be_set_later() -> None:
    with pytest.raises(AttributeError, match="immutable: x"):
        Point(x=1).x = 2


def test_it_shows_its_fields_in_order() -> None:
    assert repr(Point(y=5, x=1)) == "Point(x=1, y=5)"
