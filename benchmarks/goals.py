"""What this server is to reach, in one run with its floors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.figures import Figures
from benchmarks.variants import Variant

OURS: Final = Variant.OURS
_RATIOS: Final = (
    ("NearbyStores", Variant.FLOOR, 5.0),
    ("NearbyStores", Variant.CONSTANT, 0.40),
    ("PurchaseHistory", Variant.FLOOR, 1.3),
    ("PurchaseHistory", Variant.PGBENCH_16, 0.45),
    ("Inbox", Variant.FLOOR, 1.3),
    ("Inbox", Variant.PGBENCH_16, 0.45),
    ("Home", Variant.FLOOR, 1.5),
    ("Typename", Variant.CONSTANT, 0.65),
)
_ALONE: Final = ("Home", "NearbyStores", "PurchaseHistory", "Inbox")
_NAMES: Final = {Variant.CONSTANT: "(d)", Variant.PGBENCH_16: "(e, sixteen)"}
MEMORY_MEGABYTES: Final = 200


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal and what was measured for it."""

    text: str
    measured: str
    is_reached: bool


def judge(figures: Figures) -> Iterator[Goal]:
    """Every goal that this run can tell of."""
    for screen, to, least in _RATIOS:
        found = figures.ratio(screen, OURS, to)
        if found is not None:
            yield Goal(*_shown(screen, to, least, found.median), found.median >= least)
    for screen in _ALONE:
        ours = figures.spread(screen, OURS, lambda sample: sample.alone)
        floor = figures.spread(screen, Variant.FLOOR, lambda sample: sample.alone)
        if ours is not None and floor is not None:
            yield Goal(
                f"{screen}: one connection's p50 ≤ that of (c)",
                f"{ours.median:,.0f} µs against {floor.median:,.0f} µs",
                ours.median <= floor.median,
            )
    memory = figures.memory_megabytes.get(OURS)
    if memory is not None:
        text = f"Memory of the process after the run ≤ {MEMORY_MEGABYTES} MB"
        yield Goal(text, f"{memory:,.0f} MB", memory <= MEMORY_MEGABYTES)


def _shown(screen: str, to: Variant, least: float, ratio: float) -> tuple[str, str]:
    """A goal and a figure in the goal's words: as a multiple of a floor, as a share of a ceiling."""
    if to is Variant.FLOOR:
        return f"{screen} ≥ {least:g} × (c)", f"{ratio:.2f} ×"
    return f"{screen} ≥ {least * 100:.0f} % of {_NAMES[to]}", f"{ratio * 100:.0f} %"
