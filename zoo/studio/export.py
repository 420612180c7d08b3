"""A colorizer as one file that runs without this package: ONNX, or torch's own exported program.

One graph for every batch, height and width: padding, the spreading of hints and, if asked for, Lab are in it. Nothing
in it may depend on the size of the photo it was made with, so a file gets its name only after it was run at sizes that
it has not seen and gave what the colorizer gives.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

import zoo
from zoo.core.color import join_lab, split_lab
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput, reason_of
from zoo.core.files import writing
from zoo.studio.colorize import wants_a_photo_alone
from zoo.studio.graph_pooling import pooled_at_any_size

Target = Literal["onnx", "torch"]
Lab = Literal["inside", "outside"]
SUFFIXES: dict[Target, str] = {"onnx": ".onnx", "torch": ".pt2"}

TOLERANCE = 1e-4
"""How far the file's answers may be from the colorizer's, at any pixel: of ab / 110, or of RGB in [0, 1]."""

_EXAMPLE = (2, 71, 90)
_TRIED = ((1, 64, 64), (3, 45, 96))
"""Batch, height and width: of the photos a graph is made with, and of those it is tried with. The sides are odd, even
and multiples of 32; 1 and 2 are sizes that torch takes for special."""

Run = Callable[..., np.ndarray]
"""A file that was read again: its inputs in their order to its one output."""


class LabOutside(nn.Module):
    """``condition`` (N, 4, H, W) to ``ab`` (N, 2, H, W), as :meth:`zoo.core.colorizer.Colorizer.forward`."""

    inputs = ("condition",)
    output = "ab"

    def __init__(self, colorizer: Colorizer):
        super().__init__()
        self.colorizer = colorizer

    def forward(self, condition: Tensor) -> Tensor:
        return self.colorizer(condition)["ab"]

    @staticmethod
    def example(batch: int, height: int, width: int) -> tuple[Tensor, ...]:
        """A grey gradient and noise, with a hint at every fiftieth pixel."""
        noise = torch.Generator().manual_seed(batch * height * width)
        drawn = torch.rand(batch, 4, height, width, generator=noise)
        mask = (drawn[:, 3:] < 0.02).float()
        slope = torch.linspace(-0.9, 0.5, width).expand(batch, 1, height, width)
        return (torch.cat((slope + drawn[:, :1] * 0.4, (drawn[:, 1:3] - 0.5) * mask, mask), dim=1),)


class LabInside(nn.Module):
    """A grey photo and a picture of hints, in; the photo in colour, out.

    ``grey`` (N, 1, H, W) and ``hints`` (N, 4, H, W), RGB and opacity, to ``rgb`` (N, 3, H, W): sRGB, uint8 or float32
    in [0, 1], all three alike. A pixel at least half opaque is a hint; all transparent, there are none. The photo keeps
    its lightness.
    """

    inputs = ("grey", "hints")
    output = "rgb"

    def __init__(self, colorizer: Colorizer, *, uint8: bool = False):
        super().__init__()
        self.colorizer = colorizer
        self.uint8 = uint8

    def forward(self, grey: Tensor, hints: Tensor) -> Tensor:
        scale = 255.0 if self.uint8 else 1.0
        lightness, _ = split_lab(grey.float().expand(-1, 3, -1, -1) / scale)
        colour, opacity = (hints.float() / scale).split((3, 1), dim=1)
        mask = (opacity >= 0.5).float()
        _, hint_ab = split_lab(colour)
        rgb = join_lab(lightness, self.colorizer(torch.cat((lightness, hint_ab * mask, mask), dim=1))["ab"])
        return (rgb * 255).round().to(torch.uint8) if self.uint8 else rgb

    def example(self, batch: int, height: int, width: int) -> tuple[Tensor, ...]:
        """As :meth:`LabOutside.example`."""
        condition = LabOutside.example(batch, height, width)[0]
        grey, mask = (condition[:, :1] + 1) / 2, condition[:, 3:]
        pictures = grey, torch.cat((condition[:, 1:3] + 0.5, grey, mask), dim=1)
        return tuple((each * 255).to(torch.uint8) for each in pictures) if self.uint8 else pictures


def export(colorizer: Colorizer, path: Path, to: Target, *, lab: Lab = "inside", uint8: bool = False) -> float:
    """Write a colorizer as one file.

    Args:
        colorizer: what :func:`zoo.load` gives; it is put on the CPU and in eval mode.
        path: the file; another one there is replaced when the new one is whole and was tried.
        to: ``onnx`` (extra ``export``), or ``torch``: what ``torch.export.load(path).module()`` runs.
        lab: ``inside``: :class:`LabInside`; ``outside``: :class:`LabOutside`.
        uint8: pictures are uint8, for Lab inside.

    Returns:
        The largest difference to the colorizer's own answers, where it was tried.

    Raises:
        BadInput: a model that wants more than a photo, that no graph holds or whose graph answers otherwise at other
            sizes; a file that cannot be written; uint8 with Lab outside; a package that is not installed.
    """
    if uint8 and lab == "outside":
        raise BadInput("Lab outside is told conditions and gives ab, which are no pictures; leave uint8 out.")
    wants_a_photo_alone(colorizer)
    if to == "onnx":
        for package in ("onnx", "onnxscript", "onnxruntime"):
            _needed(package)
    module = LabInside(colorizer, uint8=uint8) if lab == "inside" else LabOutside(colorizer)
    module.cpu().eval()
    with torch.no_grad():
        with _refusing(colorizer.name):
            program = _graph(module)
        with writing(path) as part, _refusing(colorizer.name):
            run = _write_onnx(program, module, part) if to == "onnx" else _write_torch(program, module, part)
            return _tried(module, run)


@contextlib.contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Whatever torch, ONNX or a stranger's forward raises says why the model cannot be exported."""
    try:
        yield
    except OSError:
        raise  # a full disk is no fault of the model
    except Exception as error:
        raise BadInput(f"{name} cannot be exported: {reason_of(_first(error)).rstrip('.')}.") from error


def _first(error: BaseException) -> BaseException:
    """What the exporters' own errors came of."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _graph(module: LabInside | LabOutside) -> torch.export.ExportedProgram:
    dynamic = torch.export.Dim.DYNAMIC
    example = module.example(*_EXAMPLE)
    shapes = tuple({0: dynamic, 2: dynamic, 3: dynamic} for _ in example)
    # Without it torch would make a graph that refuses a batch of one, and padded sides equal to the stride.
    any_size = importlib.import_module("torch.fx.experimental._config").patch(backed_size_oblivious=True)
    with any_size, _quiet():
        return torch.export.export(
            module, example, dynamic_shapes=shapes, strict=False, prefer_deferred_runtime_asserts_over_guards=True
        )


def _write_torch(program: torch.export.ExportedProgram, module: LabInside | LabOutside, file: Path) -> Run:
    content = io.BytesIO()  # torch wants the name to end in .pt2, which a part's does not
    with _quiet():
        torch.export.save(program, content, extra_files={"zoo.json": json.dumps(_told(module))})
    file.write_bytes(content.getvalue())
    content.seek(0)
    loaded = torch.export.load(content).module()
    return lambda *given: loaded(*map(torch.from_numpy, given)).numpy()


def _write_onnx(program: torch.export.ExportedProgram, module: LabInside | LabOutside, file: Path) -> Run:
    axes = {0: "batch", 2: "height", 3: "width"}
    with _quiet(), contextlib.redirect_stdout(io.StringIO()):
        made = torch.onnx.export(
            pooled_at_any_size(program),
            dynamo=True,
            verbose=False,
            optimize=False,  # onnxscript's optimizer takes x + 1e-20 for x; onnxruntime has one of its own
            input_names=list(module.inputs),
            output_names=[module.output],
            dynamic_shapes=tuple(axes for _ in module.inputs),
        )
    assert made is not None
    shape = made.model.graph.outputs[0].shape
    assert shape is not None
    for axis, name in axes.items():
        shape[axis] = name  # else a formula of the input's
    made.model.metadata_props.update({f"zoo.{key}": str(value) for key, value in _told(module).items()})
    made.save(str(file), external_data=False)
    return read_onnx(file)


def read_onnx(file: Path) -> Run:
    """A file's graph on the CPU, by onnxruntime.

    Raises:
        BadInput: onnxruntime is not installed.
    """
    runtime = _needed("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    return lambda *given: session.run(None, dict(zip(names, given, strict=True)))[0]


def _tried(module: LabInside | LabOutside, run: Run) -> float:
    """The largest difference where the file was tried.

    Raises:
        BadInput: it is above the tolerance.
    """
    worst = 0.0
    for size in _TRIED:
        given = module.example(*size)
        expected, found = module(*given).numpy(), run(*(each.numpy() for each in given))
        if expected.shape != found.shape:
            raise BadInput(f"it answers {found.shape} where {expected.shape} is right: a size is fixed in its graph")
        worst = float(np.maximum(worst, np.abs(expected.astype(np.float64) - found).max()))  # NaN stays
    # Of two colours a hair's breadth apart, one may be rounded up and the other down.
    if not worst <= (1.0 if expected.dtype == np.uint8 else TOLERANCE):
        raise BadInput(
            f"its graph answers otherwise than the model, by {worst:.2g}, at sizes that it was not made with"
        )
    return worst


def _told(module: LabInside | LabOutside) -> dict[str, str]:
    colorizer = module.colorizer
    return {
        "model": colorizer.name,
        "zoo": zoo.__version__,
        "inputs": ", ".join(module.inputs),
        "output": module.output,
        "doc": " ".join((type(module).__doc__ or "").split()),
    }


def _needed(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError:
        raise BadInput(
            f"ONNX needs the package {package}, which is not installed; pip install 'colorizer-zoo[export]', or "
            "export to torch."
        ) from None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporters tell of their own work in warnings and logs that say nothing of the file."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
