# SPDX-License-Identifier: Apache-2.0
"""Tests for a lab whose systemd keeps to cgroup v1; they change the machine and run nowhere else."""

from __future__ import annotations

import os

from lab.inside_pytest import INSIDE

collect_ignore_glob = (
    [] if os.environ.get(INSIDE) and os.path.isdir("/sys/fs/cgroup/cpuset") else ["test_*.py"]
)
