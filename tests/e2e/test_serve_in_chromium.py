"""``zoo serve`` in a real headless Chromium: a photo in, clicks, colours, steps back, files out; narrow and wide."""

from __future__ import annotations

import base64
import io
import json
import re
import runpy
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.color import rgb2lab

import zoo
from zoo.studio.hint_marks import Point, Stroke, read_marks, write_marks

pytest.importorskip("nicegui", reason="the extra app is not installed")
driver = runpy.run_path(str(Path(__file__).with_name("chromium.py")))
Chromium = driver["Chromium"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(driver["CHROMIUM"] is None, reason="no chromium is installed"),
]

DOCS = Path(__file__).parents[2] / "docs" / "by_hand.md"
IMAGE = "document.querySelector('.picture img')"
SHOWN = f"({IMAGE}?.complete && {IMAGE}.naturalWidth > 0 ? {IMAGE}.src : '')"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page as the documents start it, at a free port; it leaves nothing where it was started."""
    here = tmp_path_factory.mktemp("here")
    (command,) = re.findall(r"^(zoo serve)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    words = [sys.executable, "-m", *shlex.split(command), "--port", "0", "--no-browser", "--with", "pyramid"]
    with subprocess.Popen(words, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        at = server.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", at), server.stderr.read()
        yield at
        server.terminate()
        server.wait(timeout=60)
        said = server.stderr.read()
    assert "Traceback" not in said
    assert not list(here.iterdir())


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    chromium = Chromium(tmp_path_factory.mktemp("profile"))
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory, photos: list[np.ndarray]) -> Path:
    file = tmp_path_factory.mktemp("photos") / "parrot.png"
    Image.fromarray(photos[0]).convert("L").save(file)
    return file


@pytest.fixture
def page(browser: Any, address: str) -> Any:
    return opened(browser, address)


def opened(browser: Any, address: str, **size: int) -> Any:
    browser.events.clear()
    browser.open(address, **size)
    browser.until("!!(window.socket && window.socket.connected)")
    return browser


def give(page: Any, photo: Path) -> np.ndarray:
    before = page.run(SHOWN)
    page.give("#photo", photo)
    return picture(page, before)


def picture(page: Any, before: str) -> np.ndarray:
    """The picture that takes the place of the one at an address: (H, W, 3)."""
    source = page.until(f"{SHOWN} !== {json.dumps(before)} && {SHOWN}")
    with urllib.request.urlopen(source) as answer:
        return np.asarray(Image.open(io.BytesIO(answer.read())))


def place(page: Any, across: float, down: float, name: str) -> np.ndarray:
    """Click on the photo, and then on a colour; the picture then."""
    before = page.run(SHOWN)
    page.click(".picture img", at=across, down=down)
    picture(page, before)
    return choose(page, name)


def choose(page: Any, name: str) -> np.ndarray:
    before = page.run(SHOWN)
    page.click(f'button[title="{name}"]')
    return picture(page, before)


def seen(page: Any, selector: str) -> np.ndarray:
    """An element as it is on the screen, (h, w, 3)."""
    clip = page.run(
        f"(() => {{const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
        "return {x: r.left + scrollX, y: r.top + scrollY, width: r.width, height: r.height, scale: 1};})()"
    )
    shot = page("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(shot))).convert("RGB"))


def chroma(rgb: np.ndarray) -> np.ndarray:
    return np.hypot(*np.moveaxis(rgb2lab(rgb)[..., 1:], -1, 0))


def marks(page: Any) -> int:
    return page.run("document.querySelectorAll('.mark, .stroke').length")


def test_a_click_colours_its_place_and_hardly_another_and_is_undone(page, photo):
    assert chroma(give(page, photo)).max() < 3
    first = place(page, 0.75, 0.5, "water")
    both = place(page, 0.1, 0.5, "red")
    height, width = both.shape[:2]
    there = np.s_[height // 2 - 5 : height // 2 + 5, round(0.1 * width) - 5 : round(0.1 * width) + 5]
    elsewhere = np.s_[height // 2 - 5 : height // 2 + 5, round(0.75 * width) - 5 : round(0.75 * width) + 5]
    changed = np.hypot(*np.moveaxis((rgb2lab(both) - rgb2lab(first))[..., 1:], 2, 0))
    assert changed[there].mean() > 30
    assert changed[elsewhere].mean() < changed[there].mean() / 5
    assert marks(page) == 2
    for step, count in (("Undo", 2), ("Undo", 1)):  # first its colour, then the point
        before = page.run(SHOWN)
        page.click(f'button[title="{step}"]')
        undone = picture(page, before)
        assert marks(page) == count
    assert np.array_equal(undone, first)
    before = page.run(SHOWN)
    page("Input.dispatchKeyEvent", type="keyDown", key="y", code="KeyY", modifiers=2)
    picture(page, before)
    assert marks(page) == 2


def test_colours_are_suggested_for_the_place_and_one_is_taken(page, photo):
    give(page, photo)
    place(page, 0.3, 0.5, "red")
    before = page.run(SHOWN)
    page.click(".picture img", at=0.4, down=0.5)
    picture(page, before)
    title = page.until("document.querySelector('.suggested button')?.title")
    before = page.run(SHOWN)
    page.click(".suggested button")
    picture(page, before)
    fills = page.run("[...document.querySelectorAll('.mark')].map((mark) => mark.getAttribute('fill'))")
    assert fills[1] == title.split(",")[0]


def test_what_is_saved_is_loaded_again_and_is_what_the_command_makes(page, photo, tmp_path):
    give(page, photo)
    place(page, 0.75, 0.5, "water")
    place(page, 0.1, 0.5, "red")
    hints = saved_by(page, photo, tmp_path, "json")
    assert len(read_marks(hints.read_bytes(), "hints")) == 2
    before = page.run(SHOWN)
    page.click('button[title="Remove all hints"]')
    picture(page, before)  # else this one's coming would be taken for that of the loaded hints
    assert marks(page) == 0
    before = page.run(SHOWN)
    page.give("#hints", hints)
    picture(page, before)
    assert marks(page) == 2


def saved_by(page: Any, photo: Path, folder: Path, suffix: str) -> Path:
    """Save photo and hints; the hints' file, of which the command makes the saved photo."""
    page("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    for button in (1, 2):
        page.click(f".files button:nth-child({button})")
    hints, saved = (wait_for(folder / name) for name in (f"parrot.hints.{suffix}", "parrot.colorized.png"))
    with Image.open(saved) as image:
        assert np.array_equal(np.asarray(image), zoo.colorize("pyramid", photo, hints=hints))
    return hints


def wait_for(file: Path) -> Path:
    end = time.monotonic() + driver["SECONDS"]
    while not file.exists():
        assert time.monotonic() < end, f"{file.name} is not downloaded"
        time.sleep(0.05)
    return file


def test_a_drag_paints_a_stroke_in_the_chosen_colour(page, photo):
    give(page, photo)
    page.click('button[title="red"]')
    before = page.run(SHOWN)
    page.drag(".picture img", [(0.2, 0.3), (0.3, 0.3), (0.45, 0.3), (0.6, 0.32)])
    painted = picture(page, before)
    assert page.run("document.querySelectorAll('.stroke').length") == 1
    assert page.run("document.querySelectorAll('.mark').length") == 0, "the end of a stroke is no click"
    assert page.run("document.querySelector('.stroke').getAttribute('stroke')") == "#b8292f"
    height, width = painted.shape[:2]
    along = painted[round(0.3 * height) - 1 : round(0.3 * height) + 2, round(0.25 * width) : round(0.4 * width)]
    assert rgb2lab(along)[..., 1].mean() > 25
    recoloured = choose(page, "water")
    assert not np.array_equal(recoloured, painted)
    assert marks(page) == 1
    before = page.run(SHOWN)
    page.click(".picture img", at=0.3, down=0.3)  # on the stroke: it is meant, and no point is placed
    assert marks(page) == 1
    page.click('button[title="Remove the selected hint"]')
    assert chroma(picture(page, before)).max() < 3
    assert marks(page) == 0


def test_a_hint_picture_is_loaded_or_dropped_and_saved_with_what_is_put_on_it(page, photo, tmp_path):
    give(page, photo)
    with Image.open(photo) as image:
        width, height = image.size
    hints = np.zeros((height, width, 4), np.uint8)
    hints[40:60, 40:80] = (190, 40, 50, 255)
    Image.fromarray(hints).save(tmp_path / "hints.png")
    before = page.run(SHOWN)
    page.give("#hints", tmp_path / "hints.png")
    shown = picture(page, before)
    assert rgb2lab(shown[45:55, 45:75])[..., 1].mean() > 25
    page.until("document.querySelectorAll('image.painting').length === 1")
    place(page, 0.75, 0.75, "water")
    saved_by(page, photo, tmp_path, "png")
    before = page.run(SHOWN)
    page.click('button[title="Remove all hints"]')
    assert chroma(picture(page, before)).max() < 3
    before = page.run(SHOWN)
    drop(page, tmp_path / "hints.png")  # with transparency and the photo's size: no other photo
    assert np.array_equal(picture(page, before), shown)


def drop(page: Any, file: Path) -> None:
    page.run(
        f"""(() => {{const bytes = Uint8Array.from(atob("{base64.b64encode(file.read_bytes()).decode()}"),
        (c) => c.charCodeAt(0)); const dropped = new DataTransfer();
        dropped.items.add(new File([bytes], "{file.name}"));
        document.querySelector(".stage").dispatchEvent(
        new DragEvent("drop", {{bubbles: true, dataTransfer: dropped}}));}})()"""
    )


def test_a_dropped_photo_and_dropped_hints_are_taken(page, photo, tmp_path):
    (tmp_path / "strokes.json").write_bytes(
        write_marks([Stroke(points=((20, 20), (90, 60)), color="olive"), Point(x=200, y=100, color="#3f7d92")])
    )
    for file in (photo, tmp_path / "strokes.json"):
        before = page.run(SHOWN)
        drop(page, file)
        shown = picture(page, before)
    assert marks(page) == 2
    assert chroma(shown).mean() > 10


def test_the_slider_shows_the_grey_photo_on_its_left(page, photo):
    give(page, photo)
    place(page, 0.3, 0.5, "red")
    coloured = chroma(seen(page, ".picture img"))
    page.click(".compare .q-slider", at=0.5)
    page.until("parseFloat(document.querySelector('.stage').style.getPropertyValue('--split')) > 40")
    split = chroma(seen(page, ".picture img"))
    width = split.shape[1]
    assert np.median(split[:, : width // 3]) < 2
    np.testing.assert_allclose(split[:, 2 * width // 3 :], coloured[:, 2 * width // 3 :], atol=1)


def test_another_model_colours_the_same_hints(page, photo):
    give(page, photo)
    place(page, 0.3, 0.5, "red")
    first = place(page, 0.8, 0.5, "water")
    before = page.run(SHOWN)
    page.click(".model")
    page.until("[...document.querySelectorAll('.q-item')].some((item) => item.innerText === 'nearest')")
    page.run("[...document.querySelectorAll('.q-item')].find((item) => item.innerText === 'nearest').click()")
    assert not np.array_equal(picture(page, before), first)
    assert marks(page) == 2


def test_what_is_no_photo_is_said_and_nothing_is_lost(page, photo, tmp_path):
    give(page, photo)
    (tmp_path / "text.jpg").write_text("not a picture")
    page.give("#photo", tmp_path / "text.jpg")
    page.until("document.querySelector('.q-notification')?.innerText.includes('text.jpg')")
    assert page.run(SHOWN)


def test_a_second_browser_sees_nothing_of_the_first_ones_photo(page, photo, address):
    give(page, photo)
    place(page, 0.3, 0.5, "red")
    first = page.run("window.sitting.token")
    opened(page, address)
    assert page.run("window.sitting.token") != first
    assert not page.run(SHOWN)
    assert page.run("document.querySelector('.empty').offsetHeight") > 0
    with urllib.request.urlopen(address) as answer:
        assert first not in answer.read().decode()


def test_no_network_is_asked_for_and_nothing_goes_wrong(page, photo, address):
    give(page, photo)
    place(page, 0.3, 0.5, "red")
    asked = [e["params"]["request"]["url"] for e in page.events if e.get("method") == "Network.requestWillBeSent"]
    assert len(asked) > 5
    assert all(url.startswith((address, "data:", "blob:")) for url in asked)
    bad = ("Runtime.exceptionThrown", "Log.entryAdded", "Network.loadingFailed")
    assert not [event for event in page.events if event.get("method") in bad]


def test_a_stranger_name_for_this_machine_is_refused(address):
    request = urllib.request.Request(address, headers={"Host": "rebound.example"})
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(request)


@pytest.mark.parametrize(("width", "height"), [(360, 740), (1400, 900)])
def test_all_of_it_is_on_the_screen_of_a_phone_and_of_a_desk(browser, address, photo, width, height):
    page = opened(browser, address, width=width, height=height)
    give(page, photo)
    place(page, 0.3, 0.5, "red")
    assert page.run("document.documentElement.scrollWidth") <= width
    boxes = page.run(
        "[...document.querySelectorAll('button:not([disabled]), .picture, .q-slider, .said')]"
        ".filter((e) => e.offsetHeight).map((e) => [e.getBoundingClientRect(), e.tagName])"
        ".map(([r, tag]) => [r.left, r.right, r.height, tag])"
    )
    assert len(boxes) > 15
    assert all(left >= 0 and right <= width + 1 for left, right, *_ in boxes)
    if width > 1000:
        assert page.run("document.documentElement.scrollHeight") <= height
    else:
        assert min(tall for *_, tall, tag in boxes if tag == "BUTTON") >= 34  # a finger's
