"""Work done beside other work: a thread a few items ahead, or behind, and never more of them in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


def ahead(work: Callable[[Item], Done], items: Iterable[Item], *, depth: int) -> Iterator[Done]:
    """``work`` on each item in one other thread, in order, at most ``depth`` items before they are asked for.

    ``items`` are drawn in the asking thread. What ``work`` raises is raised where its item is due; then, and when the
    asking ends early, what was begun is finished and the rest is left.
    """
    waiting: deque[Future[Done]] = deque()
    pool = ThreadPoolExecutor(1)
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
