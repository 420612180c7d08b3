"""The page itself: what is seen of a sitting, and what each control does to it."""

from __future__ import annotations

import asyncio
import html
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nicegui import events, run, ui

from zoo.core.errors import ZooError
from zoo.studio.hint_marks import Mark, Point, rgb_of
from zoo.studio.no_colour import GREY_BELOW
from zoo.studio.page.given import BYTES
from zoo.studio.page.offered import Loaded, Offered
from zoo.studio.page.sitting import PLACES, STROKE, Sitting

PALETTE = {
    "skin": "#d8a184", "brown hair, wood": "#7a5235", "brick": "#a5523f", "red": "#b8292f", "gold, straw": "#c9a14a",
    "leaves": "#5d7c3a", "pine": "#35563f", "sky": "#86b4dc", "water": "#3f7d92", "blue cloth": "#34508f",
    "violet": "#74518d", "grey": "#8c8c8c",
}  # fmt: skip
"""Colours that many photos have, by what has them."""

_HERE = Path(__file__).parent
_EMPTY = "Drop a black-and-white photo here, or choose one."
_KEPT = "It stays in the memory of this program, and is forgotten when the page is closed."
_NEXT = "The colour of the next hint."
_FIRST = "Click, or paint a stroke, where you know a colour."


class Page:
    """One browser's page; made anew for each that opens it."""

    def __init__(self, sitting: Sitting, offered: Offered):
        self.sitting, self.offered = sitting, offered
        self.color = next(iter(PALETTE.values()))
        self._turn = self._photo = 0
        self._given = sitting.given
        self._one_at_a_time = asyncio.Lock()
        ui.add_css(_HERE / "page.css")
        settings = json.dumps({"token": sitting.token, "bytes": BYTES, "places": PLACES, "stroke": STROKE})
        ui.add_head_html(f"<script>window.sitting = {settings};</script>")
        ui.add_body_html(f"<script>{(_HERE / 'page.js').read_text(encoding='utf-8')}</script>")
        ui.on("taken", self._taken)
        ui.on("painted", self._painted)
        ui.keyboard(self._key)
        for what, accepted in (("photo", "image/*"), ("hints", ".json,.png,application/json,image/png")):
            ui.element("input").props(f"type=file id={what} accept={accepted} hidden")
        with ui.element("div").classes("board"):
            with ui.element("section").classes("tools"):
                self._tools()
            with ui.element("section").classes("stage"):
                self._stage()
            with ui.element("section").classes("colours"):
                self._colours()
        self._show()

    @property
    def address(self) -> str:
        """What the sitting's addresses begin with."""
        return f"/sitting/{self.sitting.token}"

    def _tools(self) -> None:
        _chooser("Open photo", "add_photo_alternate", "photo")
        self.model = ui.select(list(self.offered.names), value=self.offered.names[0], label="Model")
        self.model.on_value_change(self._model_changed).props("dense outlined options-dense").classes("model")
        with ui.element("div").classes("line"):
            self.undo = _tool("Undo", "undo", lambda: self._stepped(self.sitting.undo))
            self.redo = _tool("Redo", "redo", lambda: self._stepped(self.sitting.redo))
            self.remove = _tool("Remove the selected hint", "backspace", lambda: self._stepped(self.sitting.remove))
            self.clear = _tool("Remove all hints", "delete_sweep", lambda: self._stepped(self.sitting.clear))
        with ui.element("div").classes("line files"):
            self.save_photo = ui.button("Save photo", on_click=lambda: self._save("photo")).props("no-caps outline")
            self.save_hints = ui.button("Save hints", on_click=lambda: self._save("hints")).props("no-caps outline")
            self.load_hints = _chooser("Load hints", None, "hints")

    def _stage(self) -> None:
        self.empty = ui.label(f"{_EMPTY}\n{_KEPT}").classes("empty")
        self.picture = ui.interactive_image(on_mouse=self._clicked, sanitize=False).classes("picture")
        self.busy = ui.spinner(size="2rem").classes("busy")
        self.busy.set_visibility(False)
        with ui.element("div").classes("compare") as self.compare:
            self.split = ui.slider(min=0, max=100, value=0).props('aria-label="Compare with the grey photo"')
            self.split.on("update:model-value", js_handler="(share) => window.sitting.split(share)")
            ui.label("Compare with the grey photo")

    def _colours(self) -> None:
        with ui.element("div").classes("line now"):
            self.chosen = ui.element("input").props('type=color aria-label="The colour of the next hint"')
            self.chosen.on("change", lambda event: self._colour_chosen(event.args), ["target.value"])
            self.said = ui.label(_NEXT).classes("said")
        self.suggested = ui.element("div").classes("swatches suggested").props('aria-label="Suggested for this place"')
        with ui.element("div").classes("swatches"):
            for name, color in PALETTE.items():
                self._swatch(color, name)

    def _swatch(self, color: str, name: str) -> None:
        async def chosen() -> None:
            await self._colour_chosen(color)

        button = ui.element("button").classes("swatch").style(f"background: {color}")
        button.props(f'type=button title="{html.escape(name)}" aria-label="{html.escape(name)}"').on("click", chosen)

    async def _taken(self, event: events.GenericEventArguments) -> None:
        """The browser has sent a photo, or hints."""
        if error := event.args.get("error"):
            ui.notify(str(error), type="negative", multi_line=True, close_button=True)
            return
        if note := event.args.get("note"):
            ui.notify(str(note), type="warning", multi_line=True, close_button=True)
        if self.sitting.given is not self._given:
            self._given = self.sitting.given
            self._photo += 1  # another address for another grey photo
            self.split.set_value(0)
            ui.run_javascript("window.sitting.split(0)")
        await self._coloured()

    async def _painted(self, event: events.GenericEventArguments) -> None:
        """A stroke along places of the shown picture."""
        if self.sitting.given is not None:
            await self._stepped(lambda: self.sitting.paint(event.args.get("places"), self.color))

    async def _clicked(self, event: events.MouseEventArguments) -> None:
        if self.sitting.given is not None:
            await self._stepped(lambda: self.sitting.place(event.image_x, event.image_y, self.color))

    async def _model_changed(self) -> None:
        if self.sitting.given is not None:
            await self._coloured()

    async def _colour_chosen(self, color: Any) -> None:
        self.color = str(color if isinstance(color, str) else color.get("target.value", self.color))
        await self._stepped(lambda: self.sitting.recolour(self.color), suggest=False)

    async def _key(self, event: events.KeyEventArguments) -> None:
        if event.action.keydown and (event.modifiers.ctrl or event.modifiers.meta):
            if event.key == "z" and not event.modifiers.shift:
                await self._stepped(self.sitting.undo)
            elif event.key in ("y", "Z", "z"):
                await self._stepped(self.sitting.redo)

    async def _stepped(self, step: Callable[[], object], *, suggest: bool = True) -> None:
        """Do something to the hints and colour the photo by what they are then, if they are others."""
        before = self.sitting.hinted
        try:
            step()
        except ZooError as error:
            ui.notify(str(error), type="negative")
            return
        self._show()
        if self.sitting.given is not None and self.sitting.hinted is not before:
            await self._coloured(suggest=suggest)
        elif suggest:
            await self._suggest()

    async def _coloured(self, *, suggest: bool = True) -> None:
        """Colour the photo, once for all steps that were made meanwhile."""
        self._turn += 1
        turn = self._turn
        self._show()
        self.busy.set_visibility(True)
        async with self._one_at_a_time:
            if turn != self._turn:
                return
            if await self._done(lambda loaded: self.sitting.colour(loaded.colorizer)):
                self.picture.set_source(f"{self.address}/{turn}/colours.jpg")
        self.busy.set_visibility(False)
        self._show()
        if suggest:
            await self._suggest()

    async def _suggest(self) -> None:
        """Suggest colours for the selected place."""
        found: list[Any] = []
        if self.sitting.selected is not None:
            async with self._one_at_a_time:
                await self._done(lambda loaded: found.append(self.sitting.suggested(loaded.colorizer)))
        self.suggested.clear()
        said = found[0] if found else None
        with self.suggested:
            for each in said.suggested if said is not None else ():
                if abs(each.a) + abs(each.b) >= GREY_BELOW:
                    self._swatch(each.color, f"{each.color}, {each.share:.0%}")

    async def _done(self, work: Callable[[Loaded], object]) -> bool:
        """Work with the chosen model, beside the page; whether it went well."""
        try:
            await run.io_bound(lambda: work(self.offered[self.model.value]))
        except ZooError as error:
            ui.notify(str(error), type="negative", multi_line=True, close_button=True)
            return False
        return True

    def _save(self, what: str) -> None:
        ui.download.from_url(f"{self.address}/save/{what}?model={quote(self.model.value)}")

    def _show(self) -> None:
        """All that is seen of the sitting's state but the picture."""
        sitting = self.sitting
        there = sitting.given is not None
        self.empty.set_visibility(not there)
        for element in (self.picture, self.compare):
            element.set_visibility(there)
        for button, able in (
            (self.undo, sitting.can_undo),
            (self.redo, sitting.can_redo),
            (self.remove, sitting.selected is not None),
            (self.clear, bool(sitting.hinted)),
            (self.save_photo, there),
            (self.save_hints, bool(sitting.hinted)),
            (self.load_hints, there),
        ):
            button.set_enabled(able)
        self.chosen.props(f'value="{self.color}"')
        self.said.set_text(_NEXT if not there else _FIRST if not sitting.hinted else self._of_the_hints())
        if sitting.given is not None:
            height, width = sitting.given.shown.shape[:2]
            for element in (self.picture, self.compare):
                element.style(f"--aspect: {width / height:.4f}")
            self.picture.set_content(self._drawn(height, width))

    def _of_the_hints(self) -> str:
        if not self.sitting.marks:
            return "A hint picture."
        count = len(self.sitting.marks)
        hints = f"{count} hint{'s' if count > 1 else ''}"
        return f"{hints}; choose a colour for the selected one." if self.sitting.selected is not None else f"{hints}."

    def _drawn(self, height: int, width: int) -> str:
        """SVG over the picture: the grey photo as far as the slider shows it, and the hints."""
        side = max(height, width)
        whole = f'width="{width}" height="{height}"'
        grey = (
            f'<image class="grey" href="{self.address}/{self._photo}/grey.jpg" {whole}/>'
            f'<rect class="edge" width="{side / 400:.2f}" height="{height}"/>'
        )
        if (painting := self.sitting.painting) is not None:
            grey += f'<image class="painting" href="{self.address}/{id(painting)}/hints.png" {whole}/>'
        marks = (
            _mark(mark, side, chosen=place == self.sitting.selected)
            for place, mark in enumerate(self.sitting.shown_marks())
        )
        return grey + "".join(marks)


def _mark(mark: Mark, side: int, *, chosen: bool) -> str:
    color = "#" + bytes(rgb_of(mark.color, "A hint")).hex()
    kind = "mark chosen" if chosen else "mark"
    if isinstance(mark, Point):
        radius = max(mark.radius, 0.009 * side) * (1.4 if chosen else 1)
        x, y = mark.x + 0.5, mark.y + 0.5
        return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{color}"/>'
    points = " ".join(f"{x + 0.5:.1f},{y + 0.5:.1f}" for x, y in mark.points)
    rim = 0.006 * side if chosen else 0.003 * side
    return (
        f'<polyline points="{points}" stroke="#fff" stroke-width="{mark.width + rim:.1f}" class="rim"/>'
        f'<polyline points="{points}" stroke="{color}" stroke-width="{mark.width:.1f}" class="stroke"/>'
    )


def _tool(name: str, icon: str, act: Callable[[], Awaitable[None]]) -> ui.button:
    return ui.button(icon=icon, on_click=act).props(f'flat round aria-label="{name}" title="{name}"')


def _chooser(name: str, icon: str | None, what: str) -> ui.button:
    """A button that opens the browser's own choice of files."""
    button = ui.button(name, icon=icon).props("no-caps unelevated" if icon else "no-caps outline")
    return button.on("click", js_handler=f"() => document.getElementById('{what}').click()")
