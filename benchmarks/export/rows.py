"""Which rows of the table of models can be exported to ONNX, how exact they are then, and why the others cannot.

    python benchmarks/export/rows.py [MODEL …] [--seconds 900]

Each is built small and untrained, what starts at zero made small noise (a residual of zero would hide a fault), written
by ``zoo.studio.export`` with Lab outside, and run by onnxruntime on three real photos of three sizes, one not square,
with hints at 2 % of the pixels, in a process of its own. A row is kept in ``rows.csv`` as soon as it is known; the
table of ``docs/export.md`` is made of it by ``python docs/update_readme.py``. Without names it does those that are not
there yet.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import multiprocessing
import resource
import signal
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import zoo
from zoo.core.color import split_lab
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput, ZooError
from zoo.core.files import csv_text, read_csv, write_whole
from zoo.harness.data.folder import FOLDER
from zoo.studio.export import TOLERANCE, export, read_onnx

ROWS = Path(__file__).with_name("rows.csv")
COLUMNS = ("model", "difference", "largest", "reason")
TOO_LONG = "its graph takes more than"
SIZES = ((64, 64), (96, 96), (51, 82))
"""Height and width."""

_SMALL = ({"width": 8}, {}, {"width": 8, "pretrained": False}, {"pretrained": False})


def small(name: str) -> Colorizer:
    """The model, as narrow as it can be built, without weights; nothing in it is zero."""
    torch.manual_seed(7)
    for options in _SMALL:
        try:
            colorizer = zoo.build(name, **options)
            break
        except ZooError as error:
            refused = error
    else:
        raise refused
    with torch.no_grad():
        for parameter in colorizer.parameters():
            if not parameter.any():
                parameter.normal_(std=0.02)
    return colorizer.eval()


def conditions() -> list[Tensor]:
    """Three real photos, (1, 4, H, W) each of :data:`SIZES`, with hints of their own colours."""
    files = sorted((FOLDER / "test").glob("*.jpg"))[:: len(SIZES) * 5]
    drawn = torch.Generator().manual_seed(3)
    found = []
    for file, (height, width) in zip(files, SIZES, strict=False):
        with Image.open(file) as photo:
            rgb = np.array(photo.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))
        lightness, ab = split_lab(torch.from_numpy(rgb).permute(2, 0, 1)[None])
        mask = (torch.rand(1, 1, height, width, generator=drawn) < 0.02).float()
        found.append(torch.cat((lightness, ab * mask, mask), dim=1))
    return found


@torch.no_grad()
def differences(name: str) -> tuple[float, float]:
    """The largest difference between onnxruntime's ab and ours, and the largest ab.

    Raises:
        BadInput: it cannot be exported; why.
    """
    colorizer = small(name)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        export(colorizer, file, "onnx", lab="outside")
        run = read_onnx(file)
    ours = [colorizer(condition)["ab"].numpy() for condition in conditions()]
    theirs = [run(condition.numpy()) for condition in conditions()]
    largest, difference = (
        float(np.max([np.abs(each).max() for each in found]))  # NaN stays
        for found in (ours, [a - b for a, b in zip(ours, theirs, strict=True)])
    )
    if not difference <= TOLERANCE:
        raise BadInput(f"{name} cannot be exported: on a photo its graph answers otherwise, by {difference:.1g}")
    return difference, largest


def told(name: str) -> dict[str, str]:
    """A row's cells."""
    row = dict.fromkeys(COLUMNS, "") | {"model": name}
    try:
        difference, largest = differences(name)
    except BadInput as error:
        said = str(error).partition(" cannot be exported: ")[2] or str(error).removeprefix(f"{name} ")
        return row | {"reason": " ".join(said.partition("; choose another")[0].split()).rstrip(".:")}
    return row | {"difference": f"{difference:.1e}", "largest": f"{largest:.2f}"}


def in_a_process(name: str, seconds: int) -> dict[str, str] | None:
    """A row's cells, from a process of its own; none where that ended otherwise, as for want of memory.

    Forked when all is imported, which takes longer than most exports. Its time is the processor's, not the clock's.
    """
    come, go = multiprocessing.Pipe(duplex=False)

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 9))
        go.send(told(name))

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    go.close()
    with contextlib.suppress(EOFError):
        return come.recv()
    process.join()
    if process.exitcode == -signal.SIGXCPU:
        return dict.fromkeys(COLUMNS, "") | {"model": name, "reason": f"{TOO_LONG} {seconds} s of a processor to write"}
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--seconds", type=int, default=900, help="of a processor, for a row")
    given = parser.parse_args()
    for package in ("onnx", "onnxscript", "onnxruntime", "torch.onnx._internal.exporter._core"):
        importlib.import_module(package)
    for name in given.models or zoo.list_models():
        rows = {row["model"]: row for row in read_csv(ROWS)[1]} if ROWS.exists() else {}
        if name in rows and not given.models:
            continue
        row = in_a_process(name, given.seconds)
        if row is None:
            print(name, "is not known: its process failed", flush=True)
            continue
        rows[name] = row
        write_whole(ROWS, csv_text(COLUMNS, [rows[each] for each in sorted(rows)]))
        print(name, row["difference"] or row["reason"], flush=True)


if __name__ == "__main__":
    main()
