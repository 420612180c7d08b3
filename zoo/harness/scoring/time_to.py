"""How long a run took to reach a given quality."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.harness.results.run_record import CurvePoint


def time_to(target: float | None, curve: Sequence[CurvePoint]) -> float | None:
    """Seconds of training until the PSNR first reached ``target``, evaluation outside the clock.

    Between the two points of the curve around it the PSNR is taken to rise evenly with time. A target
    reached at the first point already counts as reached there, since nothing is known before it.

    Args:
        curve: the points, in time.

    Returns:
        None when there is no target or it was not reached.
    """
    if target is None:
        return None
    before: CurvePoint | None = None
    for point in curve:
        if point.psnr is None:
            continue
        if point.psnr >= target:
            if before is None or before.psnr is None:
                return point.seconds
            share = (target - before.psnr) / (point.psnr - before.psnr)
            return before.seconds + share * (point.seconds - before.seconds)
        before = point
    return None
