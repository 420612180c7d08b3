"""The report in a real headless Chromium."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

from zoo.harness.results.report import write_report

driver = runpy.run_path(str(Path(__file__).with_name("chromium.py")))
Chromium = driver["Chromium"]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(driver["CHROMIUM"] is None, reason="no chromium is installed")]

HOSTILE = "<script>document.title='broken'</script><img src=x onerror=document.title='broken'>"
MODELS = ["attention_unet", "zhang2016", HOSTILE, "fcn32s", "mean_ab", "gray"]


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
    assert sections == [
        f"{name}:true" for name in ("hinted", "leaderboard", "cost", "hints", "curves", "gallery", "extremes")
    ]
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
