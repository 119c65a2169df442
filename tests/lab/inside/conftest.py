# SPDX-License-Identifier: Apache-2.0
"""Tests that run in the lab: they change the machine, so nothing here is collected outside."""

from __future__ import annotations

import os

import pytest
from lab.inside_pytest import INSIDE

from kvmrt_plan.hosts.live import LiveHost

collect_ignore_glob = [] if os.environ.get(INSIDE) else ["test_*.py"]


@pytest.fixture
def live_host():
    """The lab itself, without libvirt."""
    return LiveHost(uri=None)
