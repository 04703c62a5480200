"""What was measured: samples of every round, and what is told of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from benchmarks.variants import Variant


@dataclass(frozen=True, slots=True)
class Sample:
    """One variant on one screen in one round; times in microseconds, None where there is nothing to tell.

    `p50` and `p99` are at 32 connections, `alone` is the median time with one connection only. pgbench tells
    mean times, and no CPU time of a server, for there is none. `disturbed` is the share of the server's core that
    others took meanwhile.
    """

    requests_per_second: float
    p50: float
    p99: float | None = None
    alone: float | None = None
    cpu: float | None = None
    disturbed: float | None = None


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the rounds, and the extremes."""

    median: float
    least: float
    most: float


Key = tuple[str, Variant]


@dataclass(slots=True)
class Figures:
    """All samples by screen and variant, in the order of the rounds; and what servers held in memory after."""

    samples: dict[Key, list[Sample]] = field(default_factory=dict)
    memory_megabytes: dict[Variant, float] = field(default_factory=dict)
    answer_bytes: dict[str, int] = field(default_factory=dict)

    def add(self, screen: str, variant: Variant, sample: Sample) -> None:
        """Keep a sample."""
        self.samples.setdefault((screen, variant), []).append(sample)

    def screens(self) -> list[str]:
        """The screens in the order in which they were measured."""
        return list(dict.fromkeys(screen for screen, _ in self.samples))

    def variants(self, screen: str) -> list[Variant]:
        """The variants that were measured on a screen."""
        return [each for each in Variant if (screen, each) in self.samples]

    def spread(
        self, screen: str, variant: Variant, of: Callable[[Sample], float | None]
    ) -> Spread | None:
        """Median and extremes of one figure; None where it was not measured."""
        return spread([of(sample) for sample in self.samples.get((screen, variant), ())])

    def ratio(self, screen: str, variant: Variant, to: Variant) -> Spread | None:
        """How many times the requests a second of another variant: worked out in each round, then the median."""
        ours, theirs = self.samples.get((screen, variant)), self.samples.get((screen, to))
        if ours is None or theirs is None:
            return None
        pairs = zip(ours, theirs, strict=True)
        return spread(
            [each.requests_per_second / other.requests_per_second for each, other in pairs]
        )


def disturbance(figures: Figures) -> Spread | None:
    """The share of the server's core that was others', over all samples."""
    return spread([each.disturbed for samples in figures.samples.values() for each in samples])


def spread(values: Sequence[float | None]) -> Spread | None:
    """Median, least and most of what is known."""
    known = [value for value in values if value is not None]
    return Spread(median(known), min(known), max(known)) if known else None


RATE: Final[Callable[[Sample], float | None]] = lambda sample: sample.requests_per_second  # noqa: E731
FIGURES: Final[Mapping[str, Callable[[Sample], float | None]]] = {
    "requests_per_second": RATE,
    "p50_microseconds": lambda sample: sample.p50,
    "p99_microseconds": lambda sample: sample.p99,
    "one_connection_p50_microseconds": lambda sample: sample.alone,
    "cpu_microseconds_a_request": lambda sample: sample.cpu,
}
