# SPDX-License-Identifier: Apache-2.0
"""Configurations with bytes and lines that somebody mangled: none may end in a traceback, hang or swell.

    nice -n 15 python tests/fuzz/mutations.py --runs 100000

checks that many in this process, with at most 500 MB of memory and 2 s for each, and ends with 1 at the
first that fails, which it leaves in the current folder. Every hundredth goes through all formats.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY)]

from kvmrt_plan.desired.load import load_configuration
from kvmrt_plan.facts.document import load_snapshot
from kvmrt_plan.fleet.check import Terms, check_alone, check_on_host
from kvmrt_plan.fleet.checked import Checked
from kvmrt_plan.fleet.report import make_report
from kvmrt_plan.views.annotations import render_annotations
from kvmrt_plan.views.check_json import report_document
from kvmrt_plan.views.check_markdown import render_markdown
from kvmrt_plan.views.check_text import render_report
from kvmrt_plan.views.junit import render_junit
from kvmrt_plan.views.sarif import sarif_document

MOST_SECONDS = 2
MOST_BYTES = 500 * 1024**2
TERMS = Terms(now=datetime(2026, 11, 23, tzinfo=UTC), limit_days=30)
PIECES = (
    b"\0", b"\t", b"\r", b"\n", b" ", b":", b"-", b"- ", b"[", b"]", b"{", b"}", b"*a", b"&a ", b"<<: ",
    b"!!int ", b"|", b">", b"'", b'"', b"#", b"%", b"@", b"---\n", b"...\n", b"\\x1b", b"\x1b[2J",
    b"\xff", b"\xe2\x80\xae", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"999999999999999999999", b"-1", b"0x1F",
    b"1e400", b"0-65535", b"7-3", b"null", b"~", b"true", b"9" * 5000, b"[" * 60, b"2027-02-30", b",,",
)  # fmt: skip


def corpus() -> list[tuple[str, bytes]]:
    """The examples and the invalid cases, each with its name."""
    # The examples count several times: most of what is made of the other files is refused at once.
    found = [*REPOSITORY.glob("examples/*.yaml"), *REPOSITORY.glob("examples/*.cfg")] * 8
    found += REPOSITORY.glob("examples/fleet/*.yaml")
    found += REPOSITORY.glob("tests/cases/invalid/*/desired.*")
    return [(path.name, path.read_bytes()) for path in sorted(found)]


def mutated(content: bytes, others: bytes, chance: random.Random) -> bytes:
    """The content after one to six changes, mostly one: more of them are refused too early."""
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        at = chance.randint(0, len(made))
        match chance.randrange(7):
            case 0:
                made[at:at] = chance.choice(PIECES)
            case 1:
                del made[at : at + chance.choice((1, 1, 2, 8, 200))]
            case 2:
                made[at : at + 1] = bytes((chance.randrange(256),))
            case 3:
                made = _with_lines(made, chance, lambda lines, n: lines.insert(n, lines[n]))
            case 4:
                made = _with_lines(made, chance, lambda lines, n: lines.pop(n))
            case 5:
                begin = chance.randint(0, len(others))
                made[at:at] = others[begin : begin + chance.randint(1, 80)]
            case _:
                made = _with_lines(made, chance, lambda lines, n: chance.shuffle(lines[n:]))
    return bytes(made)


def _with_lines(content: bytearray, chance: random.Random, change) -> bytearray:
    lines = bytes(content).split(b"\n")
    change(lines, chance.randrange(len(lines)))
    return bytearray(b"\n".join(lines))


def check(name: str, content: bytes, snapshot, *, with_formats: bool) -> Checked:
    """What `kvmrt check` does with the bytes of a file; the rest of it is reading files."""
    configuration, findings = load_configuration(content, file=name)
    if configuration is None:
        assert findings, "refused without a finding"
        made = Checked(file=name, findings=findings)
    elif snapshot is None:
        made = check_alone(configuration, TERMS)
    else:
        made = check_on_host(configuration, snapshot, TERMS, path="host.json")
    if with_formats:
        render_all(make_report([made], is_strict=False))
    return made


def render_all(report) -> None:
    """Every format; none may print what a terminal acts on."""
    texts = [
        render_report(report, is_verbose=True),
        render_annotations(report),
        render_junit(report),
        render_markdown(report),
        json.dumps(report_document(report)),
        json.dumps(sarif_document(report, exit_code=1)),
    ]
    assert all(line.isprintable() for text in texts for line in text.split("\n"))


@contextmanager
def limited(seconds: float):
    """Raises TimeoutError when the body takes longer."""

    def stop(*_):
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def run(runs: int, seed: int, *, seconds: float, formats_every: int = 100) -> dict[str, int]:
    """Checks so many mutations; counts what came of them. The one that fails is in the exception."""
    chance = random.Random(seed)
    originals = corpus()
    texts = (REPOSITORY / "examples/two-socket.json").read_bytes()
    snapshot = load_snapshot(texts, file="two-socket.json")
    others = b"".join(content for _, content in originals)
    counts = {"refused": 0, "planned": 0, "without a host": 0}
    for number in range(runs):
        name, original = chance.choice(originals)
        content = mutated(original, others, chance)
        host = snapshot if chance.random() < 0.5 else None
        try:
            with limited(seconds):
                made = check(name, content, host, with_formats=number % formats_every == 0)
        except Exception as error:
            error.add_note(f"seed {seed}, run {number}, {name}: {content!r:.2000}")
            error.content = content
            raise
        kind = "planned" if made.plan else "without a host" if made.vms else "refused"
        counts[kind] += 1
    return counts


def main() -> int:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    try:
        counts = run(arguments.runs, arguments.seed, seconds=MOST_SECONDS)
    except Exception as error:
        Path("failing-configuration").write_bytes(getattr(error, "content", b""))
        raise
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{arguments.runs} configurations: {counts}; at most {peak} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
