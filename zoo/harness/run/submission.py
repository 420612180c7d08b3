"""A stranger's submission without a record, scored into a row: pictures that any method made of a suite's photos."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from zoo.core.errors import BadInput
from zoo.core.files import locked, make_folder, sha256_of, writing
from zoo.core.photo import read_photo
from zoo.core.photo_files import find_photos
from zoo.core.registry_rows import check_name
from zoo.core.spec import fingerprint
from zoo.harness.metrics.exact import means_of
from zoo.harness.metrics.pairs import pair_names
from zoo.harness.plan.keys import protocol_of
from zoo.harness.plan.planned_run import UnresolvedRun
from zoo.harness.plan.saved_hints import hints_of, sweep_photos
from zoo.harness.plan.suite import describe_data, open_photos
from zoo.harness.results.planned import remember
from zoo.harness.results.removal import refuse_published
from zoo.harness.results.run_record import MAY_HAVE_SEEN, Checked, here_and_now
from zoo.harness.results.store import RunFolder
from zoo.harness.run.request import BenchRequest, default_folder, effective_suite
from zoo.harness.run.verify import PREDICTIONS, difference, mark, of_predictions
from zoo.harness.scoring.scores import make_metrics
from zoo.harness.training.device import pick_device


def submit_predictions(
    submission: Path, name: str, *, suite: str = "quick", data: str | None = None, out: Path | None = None
) -> tuple[Path, Checked]:
    """Score pictures into a row ``NAME (predictions 0123abcd)`` of a results folder, which keeps them.

    Args:
        submission: a folder with a picture for each test photo of the suite, named after it and of the suite's size;
            or with these in ``predictions/``. Where a ``scores.csv`` lies in it (``image``, and a column a metric), the
            row is verified only if these are the scores that were found.
        name: what the row is called.
        data: the source of the photos, in the place of the suite's.
        out: the results folder, default ``benches/SUITE``.

    Returns:
        The run's folder, and the mark.

    Raises:
        BadInput: a photo without its picture, a picture of another size, or a name that is none.
    """
    check_name(name, "A row's name")
    pictures = submission / PREDICTIONS if (submission / PREDICTIONS).is_dir() else submission
    if not find_photos(pictures).photos:
        raise BadInput(
            f"{submission} holds no run.json and no picture; give a run's folder, a picture for each test photo, or a "
            "file of weights."
        )
    asked = effective_suite(BenchRequest(suite=suite, data=data))
    results = out or default_folder(asked)
    refuse_published(results)
    photos = open_photos(asked)
    found = pair_names(pictures, photos.test.names)
    rulers, missing = make_metrics(list(asked.metrics), device=pick_device("cpu"))
    scores = of_predictions(found, photos.test, [ruler.name for ruler in rulers])
    means, without = means_of(scores)

    swept, told = sweep_photos(asked, photos.test), describe_data(asked, photos)
    digests = {sweep: hints_of(sweep, asked, swept, results).digest for sweep in asked.sweeps}
    protocol = protocol_of(asked, told, digests)
    digest = fingerprint({image: sha256_of(file) for image, file in found.items()})
    run = UnresolvedRun(
        model=name,
        label=f"{name} (predictions {digest[:8]})",
        seed=0,
        key=fingerprint([digest, protocol.fields]),
        suite=asked,
        protocol=protocol,
        data=told,
        error="",
    )
    record = run.record(
        here_and_now("elsewhere"),
        status="ok",
        ranked=True,
        notes=[
            f"scored from {len(found)} pictures that were made elsewhere",
            f"{MAY_HAVE_SEEN}it was trained on unknown photos",
            *missing,
            *without,
        ],
        scores=means,
        higher_is_better={ruler.name: ruler.higher_is_better for ruler in rulers},
        images=len(found),
        costs={"train_s": None},
    )
    claimed = RunFolder(submission).scores()[1] if (submission / "scores.csv").is_file() else None
    compared = {metric: each for metric, each in scores.items() if claimed and metric in claimed}
    why = difference(RunFolder(submission), means, photos.test.names, compared) if claimed else ""
    folder = RunFolder(results / run.folder)
    make_folder(folder.path)
    with locked(results / ".lock"):
        for image, file in found.items() if asked.pictures else ():
            kept = folder.path / PREDICTIONS / f"{image}.png"
            make_folder(kept.parent)
            with writing(kept) as part:
                Image.fromarray(read_photo(file)).save(part, "PNG")
        folder.write_scores(photos.test.names, scores)
        remember(results, {run.row: run.key})
    return folder.path, mark(folder, record, "predictions", why)
