# SPDX-License-Identifier: Apache-2.0
"""What `make lab` shows to people ends well: every value of the host is as it was before."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("libvirt")
pytestmark = pytest.mark.skipif(
    not os.path.exists("/run/libvirt/libvirt-sock"), reason="the lab was booted without libvirt"
)


def test_a_vm_of_four_vcpus_comes_and_goes_without_a_trace(capsys):
    from lab.inside.show import main

    status = main()

    shown = capsys.readouterr().out
    assert status == 0, shown[-4000:]
    assert shown.count("[exit code 0,") == 6
