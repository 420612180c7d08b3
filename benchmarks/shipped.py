"""A run of the suite ``shipped``, made the colorizer that comes with the zoo: ``zoo/shipped``, its card, its pictures.

    python benchmarks/shipped.py benches/shipped/runs/residual_unet

The weights become float16, half the size; the scores that stand in the record are then taken anew, so that they are
those of the file that ships (the sweeps over hints keep those of the run). The card has the solvers beside it, at the
size of the suite from the run's own bench, at others under the suite ``clicks``, in folders beside that bench's: half
an hour of a core, which can be stopped and gone on with. ``docs/shipped.md`` is the card; ``docs/shipped.jpg`` shows
every fifth test photo, none chosen, without hints and with twenty clicks: look at it, and write in ``BY_EYE`` what is
to be seen.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import safetensors.torch
import torch
from PIL import Image, ImageDraw

import zoo
from zoo.core.color import AB_SCALE, split_lab
from zoo.core.files import sha256_of, write_whole, writing
from zoo.core.spec import SHIPPED
from zoo.core.trained import WEIGHTS, run_folder, shipped_folder
from zoo.harness.plan.settings import suite_set_in
from zoo.harness.plan.suite import load_suite, open_photos
from zoo.harness.results.card import card
from zoo.harness.results.store import RunFolder
from zoo.harness.run.bench import bench
from zoo.harness.run.evaluate import evaluate
from zoo.harness.run.request import BenchRequest
from zoo.parts.hints.points import Points

ROOT = Path(__file__).parents[1]
LICENCE = "apache-2.0"
PHOTOS = 20
CLICKS = 20
BY_EYE = """By eye: without hints skies and what is out of focus turn a pale blue or blue-grey, earth, stone and fur
a pale brown, meadows a brownish grey; whatever might have any colour (a red bowl, flowers, a carpet, a
kingfisher) stays near grey, and nothing becomes garish. It has seen 224 photos. A few clicks are what
brings a photo to life; for colours out of nothing, better eyes are an option away
(`--with zhang2017 --weights published`: needs a network, once, to fetch the authors' file)."""
ELSEWHERE = "On 400 other photos at 256 px: [../results/gachon256](../results/gachon256/README.md)."
BESIDE = (SHIPPED, "pyramid", "levin2004", "huang2005", "gray")
SIZES = (64, 128, 256)
"""Sides in pixels at which people have photos coloured."""


def ship(run: Path) -> None:
    """Write ``zoo/shipped`` from a run: half-precision weights, the record with their digest and scores, the card."""
    target = shipped_folder()
    with tempfile.TemporaryDirectory() as scratch:
        copy = RunFolder(shutil.copytree(run, Path(scratch) / run.name))
        state = safetensors.torch.load_file(copy.path / WEIGHTS)
        half = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
        safetensors.torch.save_file(half, copy.path / WEIGHTS)
        record = copy.record()
        assert record is not None
        copy.write_record(msgspec.structs.replace(record, weights_sha256=sha256_of(copy.path / WEIGHTS)))
        evaluate(copy.path)
        target.mkdir(exist_ok=True)
        for name in (WEIGHTS, "run.json"):
            shutil.copyfile(copy.path / name, target / name)
        set_of_suite = suite_set_in(copy.scored_record(), copy.path)
        text = card(copy.path, licence=LICENCE, repo=SHIPPED, suite=set_of_suite)
    write_whole(target / "README.md", text)


def benched_at(side: int, results: Path) -> Path:
    """The results folder ``results``, in which what ships and the solvers stand under the suite ``clicks`` at a size.

    Raises:
        SystemExit: a row failed.
    """
    solvers = BenchRequest(suite="clicks", options={"suite.size": side}, out=results)
    for request in (solvers, msgspec.structs.replace(solvers, rescored=(shipped_folder(),))):
        if failed := bench(request).failed:
            raise SystemExit(f"{results}: {', '.join(failed)} failed; see runs.csv there.")
    return results


def over_hints(results: Path, model: str) -> str:
    """PSNR at every level of the sweeps, as Markdown: the model, or what shipped of it, and the rows beside it."""
    table = pd.read_csv(results / "hints.csv")
    table["model"] = table["model"].replace({model: SHIPPED, f"{model} ({SHIPPED})": SHIPPED})
    lines = []
    for sweep, levels in table[table["model"].isin(BESIDE)].groupby("sweep", sort=False):
        wide = levels.pivot(index="level", columns="model", values="psnr")[list(BESIDE)]
        photos = int(levels["photos"].iloc[0])
        lines += [f"`{sweep}`, {photos} photos:", "", "| hints | " + " | ".join(BESIDE) + " |", "|---" * 6 + "|"]
        for level, row in wide.iterrows():
            said = f"{level:g}" if level >= 1 or not level else f"{level:.1%} of the pixels"
            lines.append(f"| {said} | " + " | ".join(f"{value:.2f}" for value in row) + " |")
        lines.append("")
    return "\n".join(lines)


def look(target: Path) -> None:
    """Twenty test photos, equally far apart: grey, coloured without hints, with clicks, the truth."""
    suite = load_suite("shipped")
    photos = open_photos(msgspec.structs.replace(suite, size=256, load_size=None)).test
    model, clicks = zoo.load(SHIPPED), Points(count=CLICKS, sizes=6)
    rows, side, gap = [], 128, 4
    for index in range(0, len(photos) // PHOTOS * PHOTOS, len(photos) // PHOTOS):
        rgb = torch.from_numpy(np.array(photos.pixels[index]))
        hint_ab, mask = clicks(split_lab(rgb[None])[1], torch.Generator().manual_seed(index))
        hints = ((hint_ab[0] * AB_SCALE).permute(1, 2, 0).numpy(), mask[0, 0].numpy())
        picture = rgb.permute(1, 2, 0).numpy()
        grey = np.asarray(Image.fromarray(picture).convert("L").convert("RGB"))
        rows.append([grey, zoo.colorize(model, picture), zoo.colorize(model, picture, hints=hints), picture])
    captions, across = ("grey", "no hints", f"{CLICKS} clicks", "truth"), 2
    width, caption = len(captions) * (side + gap), 16
    canvas = Image.new("RGB", (across * (width + gap), caption + (PHOTOS // across) * (side + gap)), "white")
    draw = ImageDraw.Draw(canvas)
    for index, row in enumerate(rows):
        left, top = (index % across) * (width + 2 * gap), caption + (index // across) * (side + gap)
        for place, cell in enumerate(row):
            shown = Image.fromarray(cell).resize((side, side), Image.Resampling.LANCZOS)
            canvas.paste(shown, (left + place * (side + gap), top))
            if index < across:
                draw.text((left + place * (side + gap) + 2, 2), captions[place], fill="black")
    with writing(target) as part:
        canvas.save(part, format="jpeg", quality=88)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a run's folder, or that of a model's runs")
    run = run_folder(parser.parse_args().run)
    assert run is not None
    ship(run)
    look(ROOT / "docs" / "shipped.jpg")
    record = RunFolder(run).record()
    assert record is not None
    results = RunFolder(run).results or run
    tables = []
    for side in SIZES:
        own = side == record.protocol.size
        folder = results if own else benched_at(side, results.with_name(f"{results.name}_{side}px"))
        tables += [f"### At {side} px", over_hints(folder, record.model).strip()]
    beside = ["## Beside solvers", "PSNR in dB, the same photos and hints for all.", *tables]
    card = (shipped_folder() / "README.md").read_text(encoding="utf-8").strip()
    write_whole(shipped_folder() / "README.md", "\n\n".join([card, *beside]) + "\n")
    sections = [
        card.split("---\n", 2)[2].strip(),
        *beside,
        "## Its look\n\n![twenty test photos](shipped.jpg)",
        f"Every fifth test photo, none chosen: grey, without any hint, with {CLICKS} clicks of 6×6 pixels, the truth.",
        BY_EYE,
        ELSEWHERE,
    ]
    write_whole(ROOT / "docs" / "shipped.md", "\n\n".join(sections) + "\n")


if __name__ == "__main__":
    main()
