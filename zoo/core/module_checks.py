"""What holds for every module of the zoo, whatever its kind: the part of the probe that needs no contract.

Failures count; notes only inform.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from zoo.core.errors import BadInput, Unavailable, ZooError, cause_of


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
            self.expect(False, f"{what}: {cause_of(error)}")

    def report(self, kind: str, name: str) -> ProbeReport:
        return ProbeReport(kind=kind, name=name, failures=self.failures, notes=self.notes)


T = TypeVar("T")
Call = Callable[[Any, int], Iterable[Tensor]]
"""``call(module, k)``: what the module makes of the k-th batch, as tensors."""

_SMALL: tuple[dict[str, Any], ...] = ({"width": 8}, {}, {"width": 8, "pretrained": False}, {"pretrained": False})
_BATCHES = 2
_ROUNDS = 3


def smallest(build: Callable[[dict[str, Any]], T], found: Findings) -> T | None:
    """What ``build(options)`` makes with the options that make it quick to probe, as far as it knows them.

    Weights that cannot be had are no failure: it is then built without them, or not at all (None).

    Raises:
        ZooError: it cannot be built even as it is registered.
    """
    as_registered: ZooError | None = None
    for options in _SMALL:
        try:
            built = build(options)
        except (BadInput, Unavailable) as error:
            if not options:
                as_registered = error
            continue
        if as_registered is not None:
            found.notes.append(f"probed without pretrained weights: {as_registered}")
        return built
    if isinstance(as_registered, Unavailable):
        found.notes.append(f"not probed: {as_registered}")
        return None
    assert as_registered is not None
    raise as_registered


def check_module(module: Any, twin: Any, call: Call, found: Findings) -> None:
    """Finite outputs, the global random state left alone, a gradient everywhere, a state that travels.

    Args:
        module: what is probed; anything that is not an :class:`torch.nn.Module` has no state to check.
        twin: the same, built once more: it must take over the state of ``module``.
    """
    if isinstance(module, nn.Module):
        module.eval()
    check_quiet(lambda: _check_finite(call(module, 0), found), found)
    if isinstance(module, nn.Module) and not found.failures:
        check_gradients(module, call, found)
        # After training steps: a statistic that the state leaves out has moved by now.
        check_round_trip(module, twin, call, found)


def check_quiet(forward: Callable[[], Any], found: Findings) -> None:
    """``forward()`` must draw from no global random state: torch's, numpy's or Python's."""
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    with torch.no_grad(), found.trying("forward in eval mode"):
        forward()
    after = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    found.expect(
        torch.equal(before[0], after[0]), "draws from torch's global random state in eval mode; use a Generator"
    )
    same = all(np.array_equal(a, b) for a, b in zip(before[1], after[1], strict=True))
    found.expect(same, "draws from numpy's global random state in eval mode; use a Generator")
    found.expect(before[2] == after[2], "draws from Python's global random state in eval mode; use a Random")


def check_gradients(module: nn.Module, call: Call, found: Findings) -> None:
    """Every trainable parameter gets a finite gradient that is not zero, from outputs pulled to random targets.

    Steps in between open what starts at zero (a zero-initialised last layer hides all before it).
    """
    trainable = {name: p for name, p in module.named_parameters() if p.requires_grad}
    if not trainable:
        return
    generator = torch.Generator().manual_seed(1)
    reached: set[str] = set()
    module.train()
    with found.trying("a training step"):
        for step in range(_ROUNDS * _BATCHES):
            module.zero_grad(set_to_none=True)
            outputs = [out for out in call(module, step % _BATCHES) if out.is_floating_point() and out.requires_grad]
            if not found.expect(bool(outputs), "no output depends on a parameter"):
                return
            targets = [torch.rand(out.shape, generator=generator) * 2 - 1 for out in outputs]
            losses = [((out.float() - goal) ** 2).mean() for out, goal in zip(outputs, targets, strict=True)]
            torch.stack(losses).sum().backward()
            for name, parameter in trainable.items():
                if parameter.grad is None:
                    continue
                if not torch.isfinite(parameter.grad).all():
                    found.expect(False, f"the gradient of {name} is not finite")
                    return
                if parameter.grad.any():
                    reached.add(name)
            if len(reached) == len(trainable) and step + 1 >= _BATCHES:
                break
            with torch.no_grad():
                for parameter in trainable.values():
                    if parameter.grad is not None:
                        parameter.sub_(1e-3 * parameter.grad.sign())
        silent = [name.removeprefix("network.") for name in trainable if name not in reached]
        shown = ", ".join(silent[:4]) + (f" and {len(silent) - 4} more" if len(silent) > 4 else "")
        found.expect(not silent, f"no gradient on {shown}; leave unused parameters out, or freeze them")
    module.zero_grad(set_to_none=True)


def check_round_trip(module: nn.Module, twin: Any, call: Call, found: Findings) -> None:
    """The state as safetensors bytes, loaded into ``twin``, gives the same outputs."""
    with found.trying("state-dict round trip"), torch.no_grad():
        state = {key: value.detach().clone().contiguous() for key, value in module.state_dict().items()}
        twin.load_state_dict(safetensors.torch.load(safetensors.torch.save(state)))
        module.eval()
        twin.eval()
        same = all(
            torch.allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True)
            for a, b in zip(call(module, 0), call(twin, 0), strict=True)
        )
        found.expect(same, "its state-dict does not hold all of its state: loaded into a copy, the outputs differ")


def tensors(prediction: Mapping[str, Any]) -> list[Tensor]:
    """The tensors of a prediction."""
    return [value for value in prediction.values() if isinstance(value, Tensor)]


def _check_finite(outputs: Iterable[Tensor], found: Findings) -> None:
    for output in outputs:
        if output.is_floating_point():
            found.expect(bool(torch.isfinite(output).all()), "its output is not finite")
