# SPDX-License-Identifier: Apache-2.0
"""Any file of a guest can be edited, and an edited one is left alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kvmrt_plan.changes.chrony import with_reference_clock, without_peers
from kvmrt_plan.facts.guest import PATHS, GuestFacts, format_guest, parse_guest

words = st.text(
    st.characters(codec="ascii", exclude_characters="\n\r", categories=["L", "N", "P", "Zs"])
)
lines = st.sampled_from(
    ["server a", " pool b iburst", "REFCLOCK PHC /dev/ptp0", "serverx", "# peer c", "PEERNTP=no",
     "refclock PHC /dev/ptp0 poll 3 dpoll -2 offset 0", "PEERNTP = yes", ""]
) | words  # fmt: skip
texts = st.lists(lines).map(lambda found: "".join(f"{line}\n" for line in found))


@given(texts)
def test_an_edited_file_stays_as_it_is(text):
    for edit in (lambda one: with_reference_clock(one, "/dev/ptp0"), without_peers):
        assert edit(edit(text)) == edit(text)


@given(texts)
def test_no_line_is_lost(text):
    edited = with_reference_clock(text, "/dev/ptp0").splitlines()
    for before, after in zip(text.splitlines(), edited, strict=False):
        assert after in (before, f"# {before}")


@given(
    st.builds(
        GuestFacts,
        systems=st.lists(st.sampled_from(["debian", "rhel"])).map(tuple),
        kernel=st.sampled_from(["", "6.1.0-rt"]),
        is_blocked=st.booleans(),
        initramfs=st.sampled_from(["with", "without", "none"]),
        clocks=st.dictionaries(st.integers(0, 9), st.sampled_from(["", "KVM virtual PTP"])),
        units=st.dictionaries(
            st.sampled_from(["chrony", "chronyd"]),
            st.tuples(
                st.sampled_from(["enabled", "disabled"]), st.sampled_from(["running", "stopped"])
            ),
        ),
        files=st.dictionaries(st.sampled_from(PATHS), texts.map(lambda text: f"0644 0:0\n{text}")),
    )
)
def test_what_a_guest_tells_is_read_as_it_was_written(facts):
    assert parse_guest(format_guest(facts)) == facts
