"""The claims page: plots/sdd/claims.json as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

TITLE = "The paper's claims, checked on this run"
ABOUT = """Effects are signed so that positive is as claimed. Rounds that are chosen (valley, sweet spot) are chosen on
one half of the test images by the other replicates, and measured on the other half. Intervals are 95%: over replicates
by Student's t, over test examples by bootstrap, over both together; shares of replicates have exact ones of 90%. A
claim is *supported* if all of its effects are as large as what counts (differences of accuracy: 1 point) and their
intervals over both above zero. It is *contradicted* if one effect is too small whatever was chosen to measure it: its
highest upper limit (98.75%) over all choices, `at most`, is below what counts.

What more replicates would decide is decided by another experiment with other seeds: `uv run prunelab compare` then
judges all claims on the replicates of both.
"""


def page(judged: Sequence[tuple[str, Mapping[str, Mapping[str, Any]]]], title: str, about: str = ABOUT) -> str:
    """What was judged, one part for each title: a table of verdicts, then each with its reason and effects.

    Args:
        judged: a title and verdicts (deciding.as_json) for each part.
        title: of the page.
        about: how verdicts are reached.
    """
    parts = (f"\n{name}.\n\n{_part(claims)}" for name, claims in judged)
    return f"# {title}\n\n{about}" + "\n".join(parts)


def _part(claims: Mapping[str, Mapping[str, Any]]) -> str:
    lines = ["| claim | verdict |\n|---|---|"]
    lines += [
        f"| {number}. {claim['text']} | **{claim['verdict']}**{_but(claim)} |" for number, claim in claims.items()
    ]
    for number, claim in claims.items():
        lines.append(f"\n## Claim {number}: {claim['verdict']}{_but(claim)}\n\n{claim['text']}\n\nWhy: {claim['why']}.")
        if claim["decide_with"]:
            lines.append(f"\nTo decide it: `{claim['decide_with']}`")
        if claim["effects"]:
            lines.append("\n| effect | value | over replicates | over test examples | both | at most |")
            lines.append("|---|---|---|---|---|---|")
            lines += [
                f"| {_cell(e['what'])} | {e['value']:+.3g} {e['unit']} | {_interval(e['replicates'])} "
                f"| {_interval(e['test_examples'])} | {_interval(e['both'])} | {_limit(e['most'])} |"
                for e in claim["effects"]
            ]
    return "\n".join(lines) + "\n"


def short(claims: Mapping[str, Mapping[str, Any]]) -> str:
    """One line for each verdict, and for each thing that some of them must not be read without."""
    by: dict[str, list[str]] = {}
    but: dict[str, list[str]] = {}
    for number, claim in claims.items():
        by.setdefault(claim["verdict"], []).append(number)
        if claim["caution"]:
            but.setdefault(claim["caution"], []).append(number)
    lines = [f"claims {verdict}: {', '.join(numbers)}" for verdict, numbers in by.items()]
    return "\n".join([*lines, *(f"but of {', '.join(numbers)}: {caution}" for caution, numbers in but.items())])


def _but(claim: Mapping[str, Any]) -> str:
    return f", but {claim['caution']}" if claim["caution"] else ""


def _cell(text: str) -> str:
    """As a cell of a table can hold it."""
    return text.replace("|", r"\|")


def _limit(found: float | None) -> str:
    return "-" if found is None else f"{found:+.3g}"


def _interval(found: list[float] | None) -> str:
    return "-" if found is None else f"{found[0]:+.3g} to {found[1]:+.3g}"
