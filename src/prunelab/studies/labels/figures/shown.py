"""What the figures show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prunelab.core.images import Images

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """Tables by name, and the pictures they speak of."""

    tables: Mapping[str, Sequence[Row]]
    pictures: Images
    truth: bool  # whether it is known which labels are wrong
    many: int  # pictures in the gallery

    @property
    def groups(self) -> list[str]:
        """Replicates with the same labels, as the tables name them."""
        return [row["seeds"] for row in self.tables["counts"]]

    def rows(self, table: str, seeds: str) -> list[Row]:
        """Of one group."""
        return [row for row in self.tables[table] if row["seeds"] == seeds]


def cut(name: str, most: int) -> str:
    """A class name that fits; dollar signs would begin a formula."""
    whole = name.replace("$", r"\$")
    return whole if len(name) <= most else f"{name[: most - 1]}…".replace("$", r"\$")


def replicates(seeds: str) -> str:
    """Of which replicates a group is, in words."""
    each = seeds.split()
    return f"replicate {each[0]}" if len(each) == 1 else f"replicates {', '.join(each)} together"
