"""The report in a real headless Chromium, driven by its DevTools protocol over a pipe: no package is needed for it."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import runpy
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zoo.harness.results.report import write_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-pipe",
)
HOSTILE = "<script>document.title='broken'</script><img src=x onerror=document.title='broken'>"
MODELS = ["attention_unet", "zhang2016", HOSTILE, "fcn32s", "mean_ab", "gray"]
SECONDS = 120
"""Until an answer is given up; a busy machine is slow."""


class Chromium:
    """One page. ``events`` is everything the browser has told of its own accord."""

    def __init__(self, profile: Path):
        # Chromium reads descriptor 3 and writes 4; ours are kept clear of these until they are put there.
        orders, self._orders = os.pipe()
        self._answers, answers = os.pipe()
        high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 20) for descriptor in (orders, answers)]

        def place() -> None:
            for target, descriptor in zip((3, 4), high, strict=True):
                os.dup2(descriptor, target)

        self._process = subprocess.Popen(
            [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=place,
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for descriptor in (orders, answers, *high):
            os.close(descriptor)
        self.events: list[dict[str, Any]] = []
        self._buffer, self._count, self._target = b"", 0, ""
        page = next(t for t in self("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self._target = self("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        order = {"id": self._count, "method": method, "params": parameters}
        if self._target:
            order["sessionId"] = self._target
        os.write(self._orders, json.dumps(order).encode() + b"\0")
        while (answer := self._read()).get("id") != self._count:
            self.events.append(answer)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        until = time.monotonic() + SECONDS
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], max(0, until - time.monotonic()))
            assert ready, "chromium does not answer"
            part = os.read(self._answers, 1 << 20)
            assert part, "chromium has died"
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def open(self, url: str, *, width: int = 1400, height: int = 900) -> None:
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def click(self, selector: str, *, at: float = 0.5) -> None:
        """A real mouse click at a share of the element's width."""
        x, y = self.run(
            f"""(() => {{const e = document.querySelector({json.dumps(selector)});
            e.scrollIntoView({{block: "center", inline: "center", behavior: "instant"}});
            const r = e.getBoundingClientRect(); return [r.left + {at} * r.width, r.top + r.height / 2];}})()"""
        )
        for kind in ("mousePressed", "mouseReleased"):
            self("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode={"ArrowRight": 39}[key])

    def screenshot(self, path: Path) -> None:
        """The whole page, as PNG."""
        size = self("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        self._target = ""
        self("Browser.close")
        self._process.wait(timeout=SECONDS)
        os.close(self._orders)
        os.close(self._answers)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    builder = runpy.run_path(str(Path(__file__).parents[1] / "harness" / "results" / "synthetic_results.py"))
    folder = tmp_path_factory.mktemp("results")
    builder["write_results"](folder, MODELS, failing=(("broken", "oom", "<b>no memory</b>"),))
    write_report(folder)
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    chromium = Chromium(tmp_path_factory.mktemp("profile"))
    yield chromium
    chromium.close()


@pytest.fixture
def page(browser: Chromium, report: Path) -> Chromium:
    browser.events.clear()
    browser.open(report.as_uri())
    return browser


def column(page: Chromium, name: str) -> list[str]:
    return page.run(f"[...document.querySelectorAll('tbody .{name}')].map((cell) => cell.dataset.sort)")


def split(page: Chromium) -> float:
    """Per cent of the left picture that is seen."""
    clip = page.run("getComputedStyle(document.querySelector('.slider .before')).clipPath")
    return 100 - float(clip.split("100% - ")[1].split("%")[0]) if "calc" in clip else 100 - float(clip.split()[1][:-1])


def test_every_section_is_there_and_nothing_goes_wrong(page):
    sections = page.run("[...document.querySelectorAll('section')].map((s) => s.id + ':' + (s.innerText.length > 40))")
    assert sections == [f"{name}:true" for name in ("leaderboard", "cost", "hints", "curves", "gallery", "extremes")]
    assert page.run("document.querySelectorAll('p.empty').length") == 0
    bad = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
    assert not [event for event in page.events if event.get("method") in bad]


def test_pictures_and_plots_are_really_drawn(page):
    page.run("document.querySelectorAll('img').forEach((i) => { i.loading = 'eager'; })")
    page.run("Promise.all([...document.images].map((image) => image.decode())).then(() => 1)")
    assert page.run("[...document.images].every((image) => image.naturalWidth === 64)")
    assert page.run("document.querySelectorAll('.tile').length") == 3 + len(MODELS)
    boxes = page.run("[...document.querySelectorAll('.plot:not([hidden]) .series')].map((s) => s.getBBox().height)")
    assert len(boxes) > 3 * 4
    assert all(height > 2 for height in boxes)


def test_no_network_is_asked_for(page):
    asked = [e["params"]["request"]["url"] for e in page.events if e.get("method") == "Network.requestWillBeSent"]
    assert asked
    assert all(url.startswith(("data:", "file:")) for url in asked)
    assert sum(url.startswith("file:") for url in asked) == 1
    fetched = page.run("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert all(name.startswith("data:") for name in fetched)


def test_other_peoples_names_are_text(page):
    assert page.run("document.title").startswith("quick")
    assert HOSTILE in page.run("[...document.querySelectorAll('tbody th')].map((cell) => cell.dataset.sort)")
    assert HOSTILE in page.run("[...document.querySelectorAll('.extreme h3')].map((head) => head.textContent)")
    assert "<b>no memory</b>" in page.run("document.querySelector('.failures').innerText")
    assert page.run("document.querySelectorAll('main b:not(.bar b), img[onerror]').length") == 0


def test_a_click_on_a_heading_sorts_and_a_second_one_turns_it_round(page):
    assert column(page, "model")[:2] == MODELS[:2]
    for order in ("ascending", "descending"):
        page.click("thead .infer_ms button")
        values = column(page, "infer_ms")
        known = [float(value) for value in values if value]
        assert known == sorted(known, reverse=order == "descending")
        assert values[-1] == "", "a failed run's empty cell stays last"
        assert page.run("document.querySelector('thead .infer_ms').getAttribute('aria-sort')") == order
        assert page.run("document.querySelectorAll('[aria-sort]').length") == 1
    page.click("thead .psnr button")
    assert page.run("document.querySelector('thead .psnr').getAttribute('aria-sort')") == "descending"
    assert column(page, "model")[0] == MODELS[0]


def test_the_slider_follows_mouse_and_keys(page):
    assert split(page) == pytest.approx(50)
    page.click(".slider input", at=0.2)
    dragged = split(page)
    assert dragged == pytest.approx(20, abs=4)
    page.press("ArrowRight")
    assert dragged < split(page) < dragged + 2


def test_any_two_pictures_can_be_put_under_the_slider(page):
    before = page.run("document.querySelector('.before').src")
    page.run("left.selectedIndex = [...left.options].findIndex((option) => option.text === 'fcn32s')")
    page.run("left.dispatchEvent(new Event('change'))")
    assert page.run("document.querySelector('.before').src") != before
    assert page.run("document.querySelector('.before').alt").endswith(": fcn32s")
    page.click(".thumbs button:nth-child(5)")
    assert page.run("document.querySelector('.thumbs button:nth-child(5)').getAttribute('aria-pressed')") == "true"
    assert page.run("document.querySelector('.before').alt").endswith(": fcn32s")
    assert page.run("document.querySelector('.after').alt").endswith(": truth")
    page.click(".extreme:nth-child(2) .pair:last-child")
    second = page.run("document.querySelector('.extreme:nth-child(2) h3').textContent")
    assert page.run("document.querySelector('.before').alt").endswith(f": {second}")


def test_another_cost_is_another_plot(page):
    shown = "[...document.querySelectorAll('#cost .plot:not([hidden]) figcaption')].map((caption) => caption.innerText)"
    assert page.run(shown) == ["PSNR against parameters, millions"]
    page.run("(s => {s.value = '1'; s.dispatchEvent(new Event('change'))})(document.querySelector('#cost select'))")
    assert page.run(shown) == ["PSNR against 10⁹ operations a photo"]
    assert page.run("document.querySelectorAll('#cost .plot:not([hidden]) .front').length") == 1


def test_a_highlighted_model_stands_out_in_every_plot(page):
    chosen = "[...document.querySelectorAll('.series.chosen')].map((s) => s.dataset.model)"
    assert page.run(chosen) == []
    page.run("(s => {s.value = '1'; s.dispatchEvent(new Event('change'))})(document.querySelector('select.highlight'))")
    found = page.run(chosen)
    assert set(found) == {"1"}
    assert len(found) > 5, "against costs, against hints, while training"
    assert page.run("[...document.querySelectorAll('select.highlight')].every((s) => s.value === '1')")


def test_the_table_fits_a_desk_and_nothing_lies_over_a_plot(browser, report):
    browser.events.clear()
    browser.open(report.as_uri(), width=1400)
    assert browser.run("(w => w.scrollWidth - w.clientWidth)(document.querySelector('#leaderboard .wide'))") <= 0
    assert browser.run("document.documentElement.scrollWidth") <= 1400
    floating = "[...document.querySelectorAll('main section:not(#gallery) *')].filter((e) => "
    floating += "['sticky', 'fixed'].includes(getComputedStyle(e).position) && !e.closest('table')).length"
    assert browser.run(floating) == 0


@pytest.mark.slow
def test_lines_are_told_apart_by_dash_and_mark_too(page):
    dashes = "[...document.querySelectorAll('#hints .plot:not([hidden]) .line')]"
    dashes += ".map((line) => getComputedStyle(line).strokeDasharray)"
    assert len(set(page.run(dashes))) == 4
    assert page.run("getComputedStyle(document.querySelector('#hints .series.s0 .line')).stroke") != page.run(
        "getComputedStyle(document.querySelector('#hints .series.s1 .line')).stroke"
    )


@pytest.mark.slow
def test_a_phone_never_scrolls_the_page_sideways(browser, report):
    browser.events.clear()
    browser.open(report.as_uri(), width=400, height=800)
    assert browser.run("document.documentElement.scrollWidth") <= 400
