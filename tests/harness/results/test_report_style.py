"""Eight lines of a plot are told apart by whoever looks: by colour under any colour vision, or by dash and mark."""

from __future__ import annotations

import re
from importlib import resources
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from zoo.harness.results.report.page import plot_svg
from zoo.harness.results.report.panels import STYLES
from zoo.harness.results.report.plot import SMALL, Plot, Point, Series
from zoo.harness.results.report.scales import FEWEST_TICKS, levels, linear, logarithmic

CSS = (resources.files("zoo.harness.results.report") / "templates" / "plot.css").read_text(encoding="utf-8")
SHEETS = {"light": CSS.partition("@media (prefers-color-scheme: dark)")[0], "dark": CSS.partition("dark) {")[2]}
# Machado, Oliveira & Fernandes 2009 (doi:10.1109/TVCG.2009.113), severity 1.0, on linear RGB
VISIONS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def hex_rgb(name: str, sheet: str) -> np.ndarray:
    (text,) = re.findall(rf"--{name}: #([0-9a-f]{{6}})", sheet)[:1]
    return np.array([int(text[i : i + 2], 16) for i in (0, 2, 4)]) / 255


def to_linear(rgb: np.ndarray) -> np.ndarray:
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def seen(rgb: np.ndarray, vision: str) -> np.ndarray:
    linear_rgb = np.clip(np.asarray(VISIONS[vision]) @ to_linear(rgb), 0, 1)
    return np.where(linear_rgb <= 0.0031308, linear_rgb * 12.92, 1.055 * linear_rgb ** (1 / 2.4) - 0.055)


def dash(style: int) -> str:
    (rule,) = re.findall(rf"\.series\.s{style} \{{([^}}]*)\}}", CSS)
    return rule.partition("--dash:")[2].strip(" ;")


def contrast(a: np.ndarray, b: np.ndarray) -> float:
    low, high = sorted(float(to_linear(each) @ (0.2126, 0.7152, 0.0722)) for each in (a, b))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize("vision", VISIONS)
def test_lines_of_one_dash_differ_in_colour_for_every_eye(sheet, vision):
    lab = [rgb2lab(seen(hex_rgb(f"c{style}", SHEETS[sheet]), vision)) for style in range(STYLES)]
    for a, b in combinations(range(STYLES), 2):
        if dash(a) == dash(b):
            assert deltaE_ciede2000(lab[a], lab[b]) > 15, (sheet, vision, a, b)


@pytest.mark.parametrize("sheet", SHEETS)
def test_every_colour_stands_out_from_the_page(sheet):
    card = hex_rgb("card", SHEETS[sheet])
    for style in range(STYLES):
        assert contrast(hex_rgb(f"c{style}", SHEETS[sheet]), card) >= 3, "as WCAG 2.1 asks of graphics (1.4.11)"


def test_dashes_and_marks_repeat_together():
    assert len({dash(style) for style in range(4)}) == 4
    assert [dash(style) for style in range(4)] == [dash(style) for style in range(4, STYLES)]


@pytest.mark.parametrize("values", [[580, 860], [612, 615], [21.7, 22.1], [4, 5], [0.09, 12], [1, 1e6], [7]])
@pytest.mark.parametrize("axis", [linear, logarithmic])
def test_no_axis_has_a_lonely_tick(axis, values):
    assert len(axis(values).ticks) >= FEWEST_TICKS


def boxes(plot: Plot) -> list[tuple[float, float, float, float]]:
    found = []
    for drawn in plot.drawn:
        if drawn.label:
            wide = 7.2 * len(drawn.label.text)
            left = {"start": 0.0, "end": wide, "middle": wide / 2}[drawn.label.anchor]
            found.append((drawn.label.x - left, drawn.label.y - 10, drawn.label.x - left + wide, drawn.label.y + 2))
    return found


def test_no_label_stands_on_another_on_an_error_bar_or_on_the_front():
    rng = np.random.default_rng(3)
    points = [
        Point(x, y, y - 1.5, y + 1.5) for x, y in zip(rng.uniform(1, 9, 40), rng.uniform(20, 30, 40), strict=True)
    ]
    front = sorted(points[:4], key=lambda point: point.x)
    series = [Series(i, "", [point], line=False, label=f"a_model_{i}") for i, point in enumerate(points)]
    plot = Plot("", "", "", linear([1, 9]), linear([18, 32]), series, front=front)
    found = boxes(plot)
    assert len(found) > 8
    for a, b in combinations(found, 2):
        assert not (a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])
    for drawn in plot.drawn:
        for mark in drawn.marks:
            for left, top, right, bottom in found:
                assert not (left < mark.x < right and top < mark.low and mark.high < bottom), "struck through"


def test_names_at_the_ends_of_lines_never_run_into_each_other():
    series = [Series(i, "", [Point(0, 20 + i / 100), Point(1, 22 + i / 100)], label="m" * 9 + str(i)) for i in range(8)]
    plot = Plot("", "", "", levels([0, 1]), linear([20, 23]), series, shape=SMALL)
    heights = sorted(drawn.label.y for drawn in plot.drawn)
    assert min(np.diff(heights)) >= 13.9
    assert 0 < heights[0] < heights[-1] < SMALL.height
    low = Plot("", "", "", levels([0, 1]), linear([0, 99]), series, shape=SMALL)
    assert max(drawn.label.y for drawn in low.drawn) < SMALL.height


def test_a_plot_alone_is_a_whole_file_with_its_colours():
    series = [Series(place, f"row {place}", [Point(1, 2), Point(2, 3 + place)], style=place) for place in range(2)]
    svg = plot_svg(Plot("a title", "x", "y", linear([1, 2]), linear([2, 4]), series))
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert CSS in "".join(root.itertext())
    assert svg.count('class="line"') == 2
