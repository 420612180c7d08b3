"""The Pareto front of quality against cost."""

from __future__ import annotations

from collections.abc import Sequence


def pareto_front(costs: Sequence[float], qualities: Sequence[float]) -> list[int]:
    """The points that no other beats: none costs less and is as good, or costs as much and is better.

    Args:
        costs: lower is better.
        qualities: higher is better.

    Returns:
        Their indices, the cheapest first.
    """
    front: list[int] = []
    for i in sorted(range(len(costs)), key=lambda i: (costs[i], -qualities[i])):
        if not front or qualities[i] > qualities[front[-1]]:
            front.append(i)
    return front
