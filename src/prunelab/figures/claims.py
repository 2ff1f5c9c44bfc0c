"""The claims page: metrics/claims.json as Markdown."""

from collections.abc import Mapping
from typing import Any


def page(claims: Mapping[str, Mapping[str, Any]], subtitle: str) -> str:
    """A section for each claim: verdict, reason, effects with their intervals."""
    lines = [f"# The paper's claims, checked on this run\n\n{subtitle}.\n"]
    lines.append("Effects are signed so that positive is as claimed; intervals are 95% bootstrap.\n")
    lines.append("| claim | verdict |\n|---|---|")
    lines += [f"| {number}. {claim['text']} | **{claim['verdict']}** |" for number, claim in claims.items()]
    for number, claim in claims.items():
        lines.append(f"\n## Claim {number}: {claim['verdict']}\n\n{claim['text']}\n\nWhy: {claim['why']}.")
        if claim["decide_with"]:
            lines.append(f"\nTo decide it: `{claim['decide_with']}`")
        if claim["effects"]:
            lines.append("\n| effect | value | over replicates | over test examples |\n|---|---|---|---|")
            lines += [
                f"| {e['what']} | {e['value']:+.3g} {e['unit']} | {_interval(e['replicates'])} "
                f"| {_interval(e['test_examples'])} |"
                for e in claim["effects"]
            ]
    return "\n".join(lines) + "\n"


def short(claims: Mapping[str, Mapping[str, Any]]) -> str:
    """One line for each verdict."""
    by: dict[str, list[str]] = {}
    for number, claim in claims.items():
        by.setdefault(claim["verdict"], []).append(number)
    return "\n".join(f"claims {verdict}: {', '.join(numbers)}" for verdict, numbers in by.items())


def _interval(found: list[float] | None) -> str:
    return "-" if found is None else f"{found[0]:+.3g} to {found[1]:+.3g}"
