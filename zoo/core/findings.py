"""What a probe finds: failures, which count, and notes, which only inform."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec

from zoo.core.errors import ZooError


class ProbeReport(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of probing one part or model. Torch-free, and plain data on its way between processes."""

    kind: str
    name: str
    failures: list[str] = []
    notes: list[str] = []

    @property
    def ok(self) -> bool:
        return not self.failures


class Findings:
    """Collects what a probe finds while it goes on."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.notes: list[str] = []

    def expect(self, holds: bool, failure: str) -> bool:
        """Note ``failure`` unless ``holds``; each sentence once."""
        if not holds and failure not in self.failures:
            self.failures.append(failure)
        return holds

    @contextlib.contextmanager
    def trying(self, what: str) -> Iterator[None]:
        """Whatever a part raises here is a finding: the probe's business is to hear of everything."""
        try:
            yield
        except ZooError as error:
            self.expect(False, f"{what}: {error}")
        except (Exception, SystemExit) as error:
            reason = (str(error).strip().splitlines() or ["no message"])[0].rstrip(".")
            self.expect(False, f"{what}: {type(error).__name__}: {reason}")

    def report(self, kind: str, name: str) -> ProbeReport:
        return ProbeReport(kind=kind, name=name, failures=self.failures, notes=self.notes)
