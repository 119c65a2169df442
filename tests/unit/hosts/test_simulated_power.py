# SPDX-License-Identifier: Apache-2.0
"""Governors and preferences of a simulated host, and transparent huge pages."""

from __future__ import annotations

import pytest

from kvmrt_plan.errors import WriteRefusedError
from kvmrt_plan.facts.snapshot import Snapshot
from kvmrt_plan.hosts.simulated.kernel import Kernel
from kvmrt_plan.hosts.simulated.texts import Texts

CPU = "/sys/devices/system/cpu"
GOVERNOR = f"{CPU}/cpu1/cpufreq/scaling_governor"
PREFERENCE = f"{CPU}/cpu1/cpufreq/energy_performance_preference"
THP = "/sys/kernel/mm/transparent_hugepage/enabled"
FILES = {
    f"{CPU}/online": "0-1\n",
    f"{CPU}/cpu1/online": "1\n",
    GOVERNOR: "powersave\n",
    PREFERENCE: "balance_power\n",
    THP: "always [madvise] never\n",
}


@pytest.fixture
def texts() -> Texts:
    return Texts(Snapshot(name="x", captured="", files=dict(FILES)))


def refused(texts: Texts, path: str, text: str) -> str:
    with pytest.raises(WriteRefusedError) as caught:
        Kernel(texts).write(path, text)
    return caught.value.errno_name


def test_the_governor_performance_fixes_the_preference_and_gives_it_back(texts):
    kernel = Kernel(texts)
    kernel.write(GOVERNOR, "performance")

    assert texts.files[PREFERENCE] == "performance\n"
    assert refused(texts, PREFERENCE, "power") == "EBUSY"
    kernel.write(GOVERNOR, "powersave")
    assert (texts.files, texts.dormant) == (FILES, {})


def test_a_preference_that_the_driver_does_not_know_is_invalid(texts):
    assert refused(texts, PREFERENCE, "fast") == "EINVAL"


def test_an_offline_cpu_has_no_frequency_files_until_it_is_back(texts):
    Kernel(texts).write(f"{CPU}/cpu1/online", "0")

    assert refused(texts, GOVERNOR, "performance") == "ENOENT"
    assert refused(texts, PREFERENCE, "power") == "ENOENT"
    Kernel(texts).write(f"{CPU}/cpu1/online", "1")
    assert texts.files == FILES


def test_one_of_the_words_of_transparent_huge_pages_has_the_brackets(texts):
    Kernel(texts).write(THP, "never")

    assert texts.files[THP] == "always madvise [never]\n"
    assert refused(texts, THP, "sometimes") == "EINVAL"
