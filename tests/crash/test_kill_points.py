# SPDX-License-Identifier: Apache-2.0
"""Whatever kills a run, and wherever: after recovery the host is as it was before or as it was to become.

Apply and revert are killed at each of their points, for each example and 200 generated pairs; recovery at
each of its own for one in so many contents of the folder. `tests/crash/figures.py` does it for more.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest
from crash_pairs import EXAMPLES, run_example, run_pair

PAIRS = 200
#: Pairs share a test, so that there are not too many lines of output and enough tests for all workers.
SHARDS = 40

pytestmark = [
    pytest.mark.slow,
    # The workers of pytest-xdist have a thread that no fork uses.
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
]


@pytest.fixture
def fast_folder(tmp_path):
    """In memory where that is possible: there are some 40,000 fsyncs."""
    shm = Path("/dev/shm")
    if not shm.is_dir():
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(dir=shm))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("configuration", EXAMPLES)
def test_a_killed_run_on_an_example_leaves_it_old_or_new(
    configuration, fast_folder, record_property
):
    figures = run_example(fast_folder, configuration, stride=100)
    record_property("kill_points", figures.points)
    assert figures.killed.keys() == {"apply", "revert", "recover"}


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_killed_run_on_generated_hosts_leaves_them_old_or_new(
    shard, fast_folder, record_property
):
    points = 0
    for number in range(shard, PAIRS, SHARDS):
        figures = run_pair(fast_folder / str(number), number, stride=0 if number % 10 else 25)
        points += figures.points
        shutil.rmtree(fast_folder / str(number))
    record_property("kill_points", points)
    assert points > 0
