"""Numbers only: of photos that may not be passed on nothing to look at enters the results folder."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image, UnidentifiedImageError

from zoo.core.errors import BadInput
from zoo.harness.results.pictures import check_no_pictures
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest


def shown_in(folder: Path) -> set[str]:
    """Files that Pillow opens, arrays that could be drawn, and texts with a picture written into them."""
    found = set()
    for file in (path for path in folder.rglob("*") if path.is_file() and path.name != "model.safetensors"):
        content = file.read_bytes()
        try:
            Image.open(io.BytesIO(content)).verify()
            found.add(file.name)
        except UnidentifiedImageError:
            pass
        if file.suffix in (".npz", ".npy") or re.search(rb"data:image|/9j/4|iVBORw0KGgo", content):
            found.add(file.name)
    return found


@pytest.mark.slow
def test_nothing_to_look_at_enters_the_folder(small_zoo, suite_file, tmp_path):
    suite_file.write_text(suite_file.read_text() + "sweeps: {dots: {hints: points, counts: [0, 2]}}\n")
    request = {"models": "small,gray", "suite": str(suite_file)}
    bench(BenchRequest(**request, out=tmp_path / "shown"))
    kept = {name for name in shown_in(tmp_path / "shown") if not name.endswith(("jpg", "npz"))}
    assert kept == {"samples.png", "report.html"}, "what is looked for is there to be found"
    bench(BenchRequest(**request, pictures=False, out=tmp_path / "numbers"))
    assert shown_in(tmp_path / "numbers") == set()
    page = (tmp_path / "numbers" / "report.html").read_text()
    assert "Numbers only: the photos may not be passed on" in page

    def of(folder: str, file: str) -> list[str]:
        return [path.read_text() for path in sorted((tmp_path / folder).glob(f"runs/*/*/{file}"))]

    for file in ("scores.csv", "hints.csv"):
        assert of("numbers", file) == of("shown", file) != [], "a picture more or less decides no number"
    with pytest.raises(BadInput, match="of which only numbers are kept; delete it, or give another --out"):
        bench(BenchRequest(**request, pictures=False, out=tmp_path / "shown"))


def test_what_is_there_already_is_refused(tmp_path):
    check_no_pictures([tmp_path / "photos" / "a.jpg"])
    (tmp_path / "samples.png").touch()
    with pytest.raises(BadInput, match=r"samples\.png is of photos"):
        check_no_pictures([tmp_path / "samples.png"])
