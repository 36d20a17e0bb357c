"""Rounds in turn, and what they say.

Single timings on a shared machine vary tenfold.  So contenders run in turn, one
start each a round, in an order that is dealt anew; what is compared are the ratios of
times taken in the same round, and of these the median.
"""

from __future__ import annotations

import random
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Contender = Callable[[], float]


def median(values: Sequence[float]) -> float:
    """The middle value; between the two middle ones where their number is even."""
    if not values:
        raise ValueError("the median of nothing")
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def order(names: Sequence[str], turn: int) -> list[str]:
    """The names in another order each turn, the same in every run.

    Dealt, not only rotated: in a rotation everybody follows the same neighbour always,
    and a daemon that still tidies up would be paid for by one contender alone.
    """
    dealt = list(names)
    random.Random(turn).shuffle(dealt)
    return dealt


def paired_ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Each of our times over theirs of the same round."""
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} rounds cannot be paired with {len(theirs)}")
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def paired_differences(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """How much longer each of ours took than theirs of the same round."""
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} rounds cannot be paired with {len(theirs)}")
    return [mine - other for mine, other in zip(ours, theirs, strict=True)]


class Times:
    """What each contender took, in milliseconds, round by round; who failed has no times, but a reason."""

    def __init__(self, names: Sequence[str]) -> None:
        self.taken: dict[str, list[float]] = {name: [] for name in names}
        self.failed: dict[str, str] = {}

    def fail(self, name: str, reason: str) -> None:
        self.failed[name] = reason
        del self.taken[name]

    def names(self) -> list[str]:
        return list(self.taken)

    def median(self, name: str) -> float:
        return median(self.taken[name])

    def ratio(self, ours: str, theirs: str) -> float:
        """The median of the paired ratios."""
        return median(paired_ratios(self.taken[ours], self.taken[theirs]))

    def difference(self, ours: str, theirs: str) -> float:
        """The median of the paired differences."""
        return median(paired_differences(self.taken[ours], self.taken[theirs]))

    def ratio_if_both(self, ours: str, theirs: str) -> float | None:
        """The ratio; None where one of them did not run."""
        return self.ratio(ours, theirs) if ours in self.taken and theirs in self.taken else None


def burst(contender: Contender, length: int) -> float:
    """`length` starts with nothing between; what one takes on average, the first left out.

    The first still finds the machine as the contender before left it.
    """
    if length == 1:
        return contender()
    taken = [contender() for _ in range(length)]
    return sum(taken[1:]) / (length - 1)


def in_turn(contenders: Mapping[str, Contender], rounds: int, gap: float, length: int = 1, warm_up: int = 5) -> Times:
    """`rounds` times of each contender, in turn: `gap` seconds of rest, then `length` starts in a row.

    The first `warm_up` rounds are run and dropped: they touch memory for the first
    time, fill caches, and pay for what is made once.  A contender that fails is
    left out from then on, with its reason, and the others go on.
    """
    times = Times(list(contenders))
    for turn in range(warm_up + rounds):
        for name in order(list(contenders), turn):
            if name in times.failed:
                continue
            if gap:
                time.sleep(gap)
            try:
                taken = burst(contenders[name], length)
            except (OSError, RuntimeError) as error:
                times.fail(name, str(error))
                continue
            if turn >= warm_up:
                times.taken[name].append(taken)
    return times
