"""What is worth knowing before the study runs: no error, the run says what happens."""

from typing import TYPE_CHECKING

from prunelab.studies.theory import predictions

if TYPE_CHECKING:
    from prunelab.studies.theory.parameters import Theory

SMALL = 0.1  # what m (sigma0 max(mu, sigma sqrt d))^q should be below


def text(theory: "Theory") -> str:
    """A line each."""
    lines = []
    few = [p for p in theory.kept if not predictions.can_memorise(p, theory)]
    if few:
        least = 3 * theory.examples / (theory.filters * theory.dimension)
        lines.append(
            f"theory.kept has {len(few)} values below {least:.3g}, where there may be too few weights to memorise with"
        )
    largest = max(theory.signal, theory.noise * theory.dimension**0.5)
    start = theory.filters * (theory.init * largest) ** theory.power
    if start > SMALL:
        lines.append(
            f"theory.init={theory.init:g}: outputs start at about {start:.2g}, not small as the theory wants them"
        )
    if theory.power == 2:
        lines.append("theory.power=2: there is no race that the first to grow wins; the study is of 3 and more")
    return "".join(f"warning: {line}\n" for line in lines)
