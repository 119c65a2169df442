# SPDX-License-Identifier: Apache-2.0
"""A small share of tests/fuzz/mutations.py in every run of the tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "fuzz"))

from mutations import run


def test_no_mutation_of_a_configuration_makes_a_check_fail():
    counts = run(300, seed=20261123, seconds=60, formats_every=5)

    assert sum(counts.values()) == 300
    assert min(counts.values()) > 5
