"""Work in another thread keeps its order, its bounds and its errors."""

from __future__ import annotations

import threading

import pytest

from zoo.studio.ahead import ahead


def test_in_order_in_one_other_thread_and_never_far_ahead():
    drawn, threads = [], set()

    def items():
        for number in range(50):
            drawn.append(number)
            yield number

    def work(number: int) -> int:
        threads.add(threading.get_ident())
        return number * number

    for count, done in enumerate(ahead(work, items(), depth=2)):
        assert done == count * count
        assert len(drawn) <= count + 3
    assert len(drawn) == 50
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_an_error_comes_where_its_item_is_due():
    done = ahead(lambda number: 1 // number, [1, 1, 0, 1], depth=2)
    assert [next(done), next(done)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(done)


def test_who_stops_asking_stops_the_work():
    seen = []
    done = ahead(seen.append, range(1000), depth=2)
    next(done)
    done.close()
    assert len(seen) <= 4
