"""What a module computes on the way to its output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

from zoo.core.errors import BadInput, did_you_mean


@contextmanager
def captured(module: nn.Module, names: Iterable[str]) -> Iterator[dict[str, Tensor]]:
    """While it lasts, the outputs (N, C, H, W) of the named submodules, after each forward of ``module``.

    Raises:
        BadInput: no such submodule, or one whose output is not a feature map.
    """
    found: dict[str, Tensor] = {}
    known = dict(module.named_modules())
    with ExitStack() as hooks:
        for name in names:
            if not name or name not in known:
                raise BadInput(f"There is no layer {name!r} in this network; {did_you_mean(name, known)}")

            def keep(_: nn.Module, __: Any, output: Any, name: str = name) -> None:
                if not isinstance(output, Tensor) or output.ndim != 4:
                    raise BadInput(f"The layer {name!r} gives no feature map (N, C, H, W); name another one.")
                found[name] = output

            hooks.callback(known[name].register_forward_hook(keep).remove)
        yield found
