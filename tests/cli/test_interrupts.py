"""A library that makes another error of Ctrl-C does not make a traceback of it."""

from __future__ import annotations

import signal

import click
import pytest

from zoo.cli.interrupts import interrupts_kept
from zoo.core.errors import BrokenPlugin


@pytest.fixture(autouse=True)
def usual_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("becomes", [RecursionError, ImportError, BrokenPlugin, SystemError])
def test_what_a_library_makes_of_ctrl_c_is_ctrl_c_again(becomes):
    def half_imported() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise becomes("half imported") from None

    with pytest.raises(KeyboardInterrupt), interrupts_kept():
        half_imported()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("error", [ValueError, click.exceptions.Exit, SystemExit])
def test_without_ctrl_c_every_error_stays_what_it_is(error):
    with pytest.raises(error), interrupts_kept():
        raise error


def test_a_handler_of_somebody_else_is_left_alone():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupts_kept():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
