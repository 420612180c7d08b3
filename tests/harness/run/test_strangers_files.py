"""Files that a stranger hands over: a verb says one sentence and allocates nothing on their word."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.core.errors import BadInput, ZooError
from zoo.harness.plan.saved_hints import DAMAGE, SavedHints, hints_of, read_arrays
from zoo.harness.plan.suite import load_suite, open_photos
from zoo.harness.run.bench import bench
from zoo.harness.run.evaluate import evaluate
from zoo.harness.run.request import BenchRequest

pytestmark = pytest.mark.slow  # the run is a whole bench's


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A results folder with one finished run that needed no training."""
    folder = tmp_path_factory.mktemp("results")
    bench(BenchRequest(models="gray", suite="smoke", out=folder, device="cpu"))
    return folder


@pytest.fixture
def run(finished, tmp_path) -> Path:
    shutil.copytree(finished, tmp_path / "results")
    return next((tmp_path / "results").glob("runs/gray/seed0-*"))


def edit(run: Path, change) -> None:
    row = json.loads((run / "run.json").read_text())
    change(row)
    (run / "run.json").write_text(json.dumps(row))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row.pop("plan"), "holds no plan to score by; name a suite with --suite"),
        (lambda row: row.update(plan=[]), r"is damaged .* at `\$.plan`"),
        (lambda row: row["plan"].pop("suite"), "holds no plan"),
        (lambda row: row["plan"].update(suite=7), r"is damaged .* at `\$.plan.suite`"),
        (lambda row: row["plan"]["suite"].update(size=10**9), r"expected `int` <= 8192 - at `\$.size`"),
        (lambda row: row["plan"]["suite"].update(size="x"), r"at `\$.size`"),
        (lambda row: row["plan"]["suite"].update(phase_of_moon=1), "unknown key 'phase_of_moon'"),
        (lambda row: row["plan"]["suite"].update(data="folder:/nowhere"), "/nowhere"),
        (lambda row: row["plan"]["suite"].update(eval_hints="nonsense"), "nonsense"),
        (lambda row: row["plan"]["suite"].update(metrics=["nonsense"]), "nonsense"),
        (lambda row: row.update(schema=2), "version 2"),
        (lambda row: row.pop("spec"), "does not describe a model"),
        (lambda row: row["spec"]["parts"].clear(), "does not describe a model"),
    ],
)
def test_a_record_that_is_odd_is_one_sentence(run, change, said):
    edit(run, change)
    with pytest.raises(ZooError, match=said) as error:
        evaluate(run)
    assert "\n" not in str(error.value)


def test_a_record_without_its_plan_can_be_scored_under_a_suite_that_is_named(run, tmp_path):
    edit(run, lambda row: row.pop("plan"))
    assert evaluate(run, metrics=["psnr"], suite="smoke")["psnr"] > 15


def test_a_record_that_does_not_say_how_it_was_trained_is_one_sentence(run):
    edit(run, lambda row: row.pop("plan") and row["protocol"].pop("budget"))
    with pytest.raises(BadInput, match="under which budget"):
        evaluate(run, suite="smoke")


def hints_file(results: Path) -> Path:
    return next((results / "hints").glob("points2-*.npz"))


def reader(results: Path) -> Callable[[], SavedHints]:
    """Read the hints that were saved for the smoke suite's photos."""
    suite = load_suite("smoke")
    photos = open_photos(suite).test
    return lambda: hints_of("points2", suite, photos, results)


def read(results: Path) -> SavedHints:
    return reader(results)()


def test_no_flipped_byte_of_a_hints_file_passes_unseen(run):
    results = run.parents[2]
    file, whole = hints_file(results), hints_file(results).read_bytes()
    read = reader(results)
    right = read().digest
    generator = np.random.default_rng(3)
    for place in generator.choice(len(whole), 150, replace=False):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << int(generator.integers(8)))]) + whole[place + 1 :])
        said = ""
        try:
            found = read().digest
        except BadInput as error:
            found, said = right, str(error)
        assert found == right, "a byte that says nothing, such as the zip's date, may pass"
        assert not said or (str(file) in said and "delete it" in said)


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_hints_file_that_is_cut_short_is_one_sentence(run, keep):
    file = hints_file(run.parents[2])
    file.write_bytes(file.read_bytes()[: int(keep * file.stat().st_size) if keep < 1 else keep])
    with pytest.raises(BadInput, match="cannot be read"):
        read(run.parents[2])


def npz(file: Path, arrays: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)


def npy(array: np.ndarray, **header: Any) -> bytes:
    """An array as ``.npy``, with what ``header`` claims instead."""
    file = io.BytesIO()
    told = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape, **header}
    np.lib.format.write_array_header_1_0(file, told)
    return file.getvalue() + array.tobytes()


def test_a_header_of_4_tib_is_refused_before_anything_is_allocated(tmp_path):
    npz(tmp_path / "a.npz", {"a": npy(np.zeros(3), shape=(2**39,))})
    with pytest.raises(ValueError, match="claims"):
        read_arrays(tmp_path / "a.npz", ["a"])


def test_an_array_of_python_objects_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="claims"):
        read_arrays(tmp_path / "a.npz", ["a"])


def test_arrays_come_back_as_numpy_wrote_them(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.asfortranarray(np.eye(3)), "c": np.array(7), "d": np.zeros(0)}
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    for array, again in zip(arrays.values(), read_arrays(tmp_path / "a.npz", list(arrays)), strict=True):
        np.testing.assert_array_equal(again, array)
        assert again.dtype == array.dtype
    with pytest.raises(DAMAGE):
        read_arrays(tmp_path / "a.npz", ["e"])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda hints: hints._replace(pixels=hints.pixels + 10**6),
        lambda hints: hints._replace(pixels=-hints.pixels - 1),
        lambda hints: hints._replace(colours=hints.colours * np.float32("nan")),
        lambda hints: hints._replace(colours=hints.colours[:-1]),
        lambda hints: hints._replace(ends=hints.ends[::-1].copy()),
        lambda hints: hints._replace(ends=hints.ends[:-1]),
        lambda hints: hints._replace(ends=hints.ends.astype(float)),
    ],
)
def test_hints_that_cannot_be_are_one_sentence(run, spoil):
    results = run.parents[2]
    file = hints_file(results)
    np.savez_compressed(file, **spoil(read(results))._asdict())
    with pytest.raises(BadInput, match="delete it to draw the same hints again"):
        read(results)
