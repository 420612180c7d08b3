"""The report's page and pictures, read back with tools that are not ours: an HTML parser, Pillow, plain formulas."""

from __future__ import annotations

import json
import runpy
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zoo.cli.main import cli
from zoo.core.errors import BadInput
from zoo.harness.results.pictures import (
    KEPT,
    photos_file,
    read_photos,
    read_predictions,
    save_photos,
    save_predictions,
    shown_levels,
    spread,
)
from zoo.harness.results.protocol import SweptHints
from zoo.harness.results.report import write_report
from zoo.harness.results.report.cost_plots import pareto_front
from zoo.harness.results.report.scales import levels, linear, logarithmic
from zoo.harness.results.store import RunFolder

BUILDER = runpy.run_path(str(Path(__file__).with_name("synthetic_results.py")))
truth, write_results = BUILDER["truth"], BUILDER["write_results"]

HOSTILE = "</script><script>alert(1)</script>"
MODELS = ["attention_unet", HOSTILE, "fcn32s", "mean_ab", "gray"]


class Page(HTMLParser):
    """Elements with their attributes, and the text of each section."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.sections: dict[str, str] = {}
        self.data = ""
        self._open: list[str] = []
        self._section = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._open.append(dict(attrs).get("id") or tag)
        if tag == "section":
            self._section = str(dict(attrs)["id"])

    def handle_endtag(self, tag):
        self._open.append("")
        if tag == "section":
            self._section = ""

    def handle_data(self, data):
        if self._open and self._open[-1] == "data":
            self.data += data
        if self._section:
            self.sections[self._section] = self.sections.get(self._section, "") + data

    def all(self, tag: str, **attributes: str) -> list[dict[str, str | None]]:
        return [a for t, a in self.elements if t == tag and all(a.get(k) == v for k, v in attributes.items())]


def report_of(folder: Path) -> Path:
    write_report(folder)
    return folder / "report.html"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("results")
    write_results(path, MODELS, failing=(("broken", "plugin_error", f"no module {HOSTILE}"),))
    return path


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page(report_of(folder).read_text())


def test_written_again_it_is_the_same_byte_for_byte(folder, tmp_path):
    first = report_of(folder).read_bytes()
    write_report(folder, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_bytes() == first


def test_it_needs_no_other_file(page):
    for tag, attributes in page.elements:
        assert tag not in ("iframe", "object", "embed", "base")
        for name in ("src", "href", "srcset", "data", "action"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, value)
    data = json.loads(page.data)
    pictures = [p[view] for p in data["photos"].values() for view in ("grey", "hints", "truth")]
    pictures += [uri for model in data["models"] for uri in model["pictures"].values()]
    assert len(pictures) > 60
    assert all(picture.startswith("data:image/jpeg;base64,") for picture in pictures)


def test_names_and_reasons_of_others_stay_text(page):
    assert len(page.all("script")) == 2
    assert f"no module {HOSTILE}" in page.sections["leaderboard"]
    assert HOSTILE in [row["data-sort"] for row in page.all("th") if "data-sort" in row]
    assert HOSTILE in [model["name"] for model in json.loads(page.data)["models"]]


def test_every_section_has_something_to_show(page):
    assert list(page.sections) == ["hinted", "leaderboard", "cost", "hints", "curves", "gallery", "extremes"]
    assert not page.all("p", **{"class": "empty"})
    captions = [plot["aria-label"] for plot in page.all("svg")]
    assert captions[:2] == ["PSNR against parameters, millions", "PSNR against 10⁹ operations a photo"]
    assert captions[2] == "PSNR against training photos a second"
    assert captions[-3:] == ["Test PSNR", "Test PSNR", "Training loss"]
    assert "Sweep points6" in captions
    assert "Sweep pixels" in captions


def test_it_opens_with_what_the_best_models_make_of_growing_numbers_of_hints(page):
    assert len([cell for cell in page.all("th", scope="row") if "data-sort" not in cell]) == 3 * 4
    for said in ("as it was", "0 hints", "1 hint", "5 hints", "20 hints", "100 hints", "attention_unet", "fcn32s"):
        assert said in page.sections["hinted"]
    assert "gray" not in page.sections["hinted"]
    shown = page.all("img")
    # Three photos: the truth, hints at five levels, and the four best models at as many.
    assert len([image for image in shown if (image.get("src") or "").startswith("data:")]) == 3 * (1 + 5 + 4 * 5)


def test_a_suite_without_counts_of_hints_shows_none():
    def over(*counts: int) -> SweptHints:
        return SweptHints("points", counts=list(counts))

    assert shown_levels({"pixels": SweptHints("pixels", densities=[0.01, 0.05])}) is None
    assert shown_levels({"few": over(0, 3)}) is None
    assert shown_levels({"one": over(0, 2, 20), "other": over(0, 1)}) == ("one", [0, 20])
    assert (spread(7, 3), spread(2, 3)) == ([0, 2, 4], [0, 1])


def test_sections_say_so_when_nothing_was_kept(tmp_path):
    write_results(tmp_path, MODELS, pictures=False, hints=False)
    page = Page(report_of(tmp_path).read_text())
    assert "No hint sweep" in page.sections["hints"]
    assert "No run has kept its pictures" in page.sections["gallery"]


def test_a_folder_of_failed_runs_is_a_page_as_well(tmp_path):
    write_results(tmp_path, [], failing=(("a", "oom", "too big"), ("b", "timeout", "after 5 s")), pictures=False)
    page = Page(report_of(tmp_path).read_text())
    assert "too big" in page.sections["leaderboard"]
    assert "after 5 s" in page.sections["leaderboard"]


def test_protocols_have_tables_of_their_own(tmp_path):
    write_results(tmp_path, ["one", "two", "three", "four"], photos=4, seeds=1, failing=())
    write_results(tmp_path, ["five", "six"], photos=4, seeds=1, failing=(), protocol="f" * 12, first=4)
    page = Page(report_of(tmp_path).read_text())
    assert len(page.all("table", **{"class": "sortable"})) == 2
    assert "Protocol ffffffffffff" in page.sections["leaderboard"]


def test_best_and_worst_are_those_of_the_scores(page, folder):
    for model in json.loads(page.data)["models"]:
        run = next(run for run in (folder / "runs").glob("*/seed0-*") if RunFolder(run).record().label == model["name"])
        psnr = np.asarray(RunFolder(run).scores()[1]["psnr"])
        assert model["best"] == np.argsort(-psnr)[:2].tolist()
        assert model["worst"] == np.argsort(psnr)[:2].tolist()
        assert {*model["best"], *model["worst"]} <= {int(photo) for photo in model["pictures"]}


@pytest.mark.slow
def test_fifty_models_fit_into_a_mail(tmp_path):
    write_results(tmp_path, [f"model_{i}" for i in range(50)], photos=41, seeds=1, hints=False)
    assert max(path.stat().st_size for path in tmp_path.glob("runs/*/*/predictions.jpg")) < 150_000
    assert report_of(tmp_path).stat().st_size < 15_000_000


def damage(folder: Path, pattern: str, content: bytes) -> None:
    next(folder.glob(pattern)).write_bytes(content)


@pytest.mark.parametrize(
    ("pattern", "content"),
    [
        ("runs/model0/seed0-*/run.json", b"{"),
        ("runs/model0/seed0-*/run.json", b'{"schema": 1, "label": "x"}'),
        ("runs/model0/seed0-*/run.json", b'{"schema": 1, "label": ["x"], "protocol": 3}'),
        ("runs/model0/seed0-*/scores.csv", b"image,psnr\na,b\n"),
        ("runs/model0/seed0-*/predictions.jpg", b"\xff\xd8\xff\xe0"),
        ("runs/model0/seed0-*/log.jsonl", b'{"step": "x", "colorizer": []}\n'),
        ("runs/model0/seed0-*/hinted.jpg", b"\xff\xd8\xff\xe0"),
        ("photos/*ab.jpg", b""),
        ("photos/*-hinted.jpg", b""),
    ],
)
def test_a_damaged_file_costs_its_run_and_is_named_in_one_sentence(tmp_path, pattern, content):
    write_results(tmp_path, ["a", "b", "c", "d"], photos=4, seeds=1, failing=())
    damage(tmp_path, pattern, content)
    result = CliRunner().invoke(cli, ["report", str(tmp_path)])
    assert result.exit_code == 0, result.output
    page = Page((tmp_path / "report.html").read_text())
    told = page.sections["leaderboard"]
    assert Path(pattern).name.replace("*", "") in told
    assert "b" in [model["name"] for model in json.loads(page.data).get("models", [])] or "photos" in pattern
    assert result.stderr.count("\n") == ("scores" not in pattern), "a run's status says what is damaged in its scores"


def test_a_folder_of_damaged_runs_only_is_refused(tmp_path):
    write_results(tmp_path, ["a"], photos=4, seeds=1, failing=())
    damage(tmp_path, "runs/model0/seed0-*/run.json", b"{")
    result = CliRunner().invoke(cli, ["report", str(tmp_path)])
    assert result.exit_code == 2, result.output
    assert "run.json cannot be read" in result.output
    assert result.output.count("\n") == 1
    assert not (tmp_path / "report.html").exists()


def test_a_folder_without_runs_is_refused_and_left_alone(tmp_path):
    result = CliRunner().invoke(cli, ["report", str(tmp_path)])
    assert result.exit_code == 2
    assert "no runs" in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_where_it_is_told(folder, tmp_path):
    result = CliRunner().invoke(cli, ["report", str(folder), "-o", str(tmp_path / "page.html")])
    assert result.exit_code == 0, result.output
    assert result.output.strip() == str(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("count", [1, 3, 8, 9, 41])
def test_pictures_come_back_in_their_order(tmp_path, count):
    _, rgb = truth(count)
    save_predictions(tmp_path, rgb)
    back = np.stack([np.asarray(picture) for picture in read_predictions(tmp_path, count)])
    expected = rgb.permute(0, 2, 3, 1).numpy()
    assert back.shape == expected.shape
    assert np.abs(back.astype(int) - expected).mean(axis=(1, 2, 3)).max() < 6


def test_only_the_first_pictures_are_kept_and_large_ones_shrink(tmp_path):
    rgb = torch.arange(60, dtype=torch.uint8).view(60, 1, 1, 1).expand(60, 3, 300, 400) * 4
    save_predictions(tmp_path, rgb)
    back = read_predictions(tmp_path, 60)
    assert len(back) == KEPT
    assert back[0].size == (256, 192)
    assert [round(np.asarray(picture).mean() / 4) for picture in back] == list(range(KEPT))


def test_photos_are_written_once_and_come_back_apart(tmp_path):
    _, rgb = truth(5)
    grey = rgb.float().mean(1, keepdim=True).expand(-1, 3, -1, -1).to(torch.uint8)
    save_photos(tmp_path, "abc", grey, 255 - rgb, rgb)
    first = photos_file(tmp_path, "abc").read_bytes()
    save_photos(tmp_path, "abc", rgb, rgb, rgb)
    assert photos_file(tmp_path, "abc").read_bytes() == first
    for read, saved in zip(read_photos(tmp_path, "abc", 5), (grey, 255 - rgb, rgb), strict=True):
        difference = np.stack([np.asarray(p) for p in read]).astype(int) - saved.permute(0, 2, 3, 1).numpy()
        assert np.abs(difference).mean() < 6


def test_a_sheet_of_another_number_of_pictures_is_refused(tmp_path):
    Image.new("RGB", (64 * 8, 64 * 5 + 3)).save(tmp_path / "predictions.jpg")
    with pytest.raises(BadInput, match="does not hold 41 pictures"):
        read_predictions(tmp_path, 41)


finite = st.floats(0.1, 1000, allow_nan=False)


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=30))
def test_the_front_is_what_nothing_beats(points):
    costs, qualities = zip(*points, strict=True)
    front = [points[i] for i in pareto_front(costs, qualities)]
    beaten = {(c, q) for c, q in points if any((x <= c and y >= q) and (x, y) != (c, q) for x, y in points)}
    assert front == sorted(set(points) - beaten)


@given(st.lists(finite, min_size=1, max_size=30))
def test_every_value_and_tick_lies_on_its_axis(values):
    for scale in (linear(values), logarithmic(values), levels(values)):
        places = [scale.along(value) for value in (*values, *scale.ticks)]
        assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)
        assert sorted(values) == [v for _, v in sorted((scale.along(v), v) for v in values)]


def test_a_doubling_is_as_long_anywhere_on_a_logarithmic_axis():
    scale = logarithmic([1, 100])
    assert scale.along(4) - scale.along(2) == pytest.approx(scale.along(80) - scale.along(40))
    assert scale.ticks == (1, 2, 5, 10, 20, 50, 100)


def test_levels_may_start_at_no_hints():
    scale = levels([0, 1, 200, 10])
    assert scale.ticks == (0, 1, 10, 200)
    assert scale.along(0) == 0
    assert scale.along(200) == 1
