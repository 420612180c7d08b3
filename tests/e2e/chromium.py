"""A real headless Chromium, driven by its DevTools protocol over a pipe: no package is needed for it."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

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
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)
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
        self.resize(width, height)
        self("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def resize(self, width: int, height: int) -> None:
        """The screen, in pixels; a narrow one is a phone's."""
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, script: str) -> Any:
        """The value of a JavaScript expression as soon as it is true."""
        end = time.monotonic() + SECONDS
        while not (value := self.run(script)):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.05)
        return value

    def give(self, selector: str, file: Path) -> None:
        """Choose a file in an input."""
        root = self("DOM.getDocument")["root"]["nodeId"]
        node = self("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self("DOM.setFileInputFiles", nodeId=node, files=[str(file)])

    def click(self, selector: str, *, at: float = 0.5, down: float = 0.5) -> None:
        """A real mouse click at a share of the element's width and height."""
        x, y = self.run(
            f"""(() => {{const e = document.querySelector({json.dumps(selector)});
            e.scrollIntoView({{block: "center", inline: "center", behavior: "instant"}});
            const r = e.getBoundingClientRect(); return [r.left + {at} * r.width, r.top + {down} * r.height];}})()"""
        )
        for kind in ("mousePressed", "mouseReleased"):
            self("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drag(self, selector: str, places: list[tuple[float, float]]) -> None:
        """The mouse, pressed, through shares of the element's width and height."""
        left, top, width, height = self.run(
            f"""(() => {{const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect();
            return [r.left, r.top, r.width, r.height];}})()"""
        )
        at = [{"x": left + across * width, "y": top + down * height} for across, down in places]
        self("Input.dispatchMouseEvent", type="mousePressed", button="left", buttons=1, clickCount=1, **at[0])
        for place in at[1:]:
            self("Input.dispatchMouseEvent", type="mouseMoved", button="left", buttons=1, **place)
        self("Input.dispatchMouseEvent", type="mouseReleased", button="left", clickCount=1, **at[-1])

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
