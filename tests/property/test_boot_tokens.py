# SPDX-License-Identifier: Apache-2.0
"""Edits of boot arguments touch the own tokens and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvmrt_plan.facts.kernel_args import SOURCES, Loader, own_tokens, source_text
from kvmrt_plan.values.boot_tokens import split_tokens, tokens_with, tokens_without

FOREIGN = st.lists(
    st.sampled_from(["ro", "quiet", "root=/dev/vda1", 'dyndbg="file a.c +p"', "nohz_full=1", ""])
)
OWN = st.lists(
    st.sampled_from(["nohz_full=2-3", "rcu_nocbs=2-3", "nosmt", "iommu=pt"]), unique=True
).map(tuple)
SHELL = st.lists(
    st.sampled_from(
        ["# a comment", "", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"', "GRUB_TIMEOUT=5", "export A=1"]
    )
)


@given(FOREIGN, OWN)
def test_tokens_that_are_added_and_removed_leave_the_line_as_it_was(foreign, own):
    line = " ".join(foreign).strip()
    edited = tokens_with(line, own)
    assert tokens_without(edited, own) == line
    assert split_tokens(edited) == (*split_tokens(line), *own)


@given(FOREIGN, OWN, OWN)
def test_foreign_tokens_survive_any_edit_in_their_order(foreign, first, second):
    line = " ".join(foreign)
    edited = tokens_with(tokens_without(tokens_with(line, first), first), second)
    kept = tuple(one for one in split_tokens(edited) if one not in second)
    assert kept == split_tokens(line)


@pytest.mark.parametrize("loader", Loader)
@given(SHELL, OWN, OWN, st.booleans())
def test_a_source_holds_what_was_written_last_and_comes_back_byte_for_byte(
    loader, lines, first, second, has_end
):
    is_shared = loader is Loader.GRUB_DEFAULTS
    before = "\n".join(lines) + "\n" * has_end if is_shared else None
    text = before
    for own in (first, second):
        text = source_text(loader, text, own)
        assert own_tokens(loader, text) == own
    assert source_text(loader, text, ()) == before
    assert SOURCES[loader].startswith("/etc/")
