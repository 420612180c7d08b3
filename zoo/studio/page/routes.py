"""What goes to and fro beside the page itself: a photo or hints in, pictures and results out.

Each sitting has addresses of its own, which nobody can guess, and they end with it. What comes in is read into memory,
no further than the page takes; nothing is written anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, unquote

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from zoo.core.errors import BadInput, ZooError
from zoo.studio.page.given import BYTES
from zoo.studio.page.offered import Offered
from zoo.studio.page.sitting import Sitting

SITTINGS = 32
"""Browsers at one time."""

_KEPT_NOWHERE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Sittings:
    """Those that are open, by their tokens."""

    def __init__(self) -> None:
        self._open: dict[str, Sitting] = {}

    def begin(self) -> Sitting:
        """A new one.

        Raises:
            BadInput: :data:`SITTINGS` are open.
        """
        if len(self._open) >= SITTINGS:
            raise BadInput(f"{SITTINGS} browsers have this page open; close one, and load it again.")
        sitting = Sitting()
        self._open[sitting.token] = sitting
        return sitting

    def end(self, sitting: Sitting) -> None:
        """Forget it, its photo and its addresses."""
        self._open.pop(sitting.token, None)

    def __getitem__(self, token: str) -> Sitting:
        try:
            return self._open[token]
        except KeyError:
            raise BadInput("This page has been closed; load it again.") from None


def routes(sittings: Sittings, offered: Offered) -> APIRouter:
    """``POST photo``, ``hints``, and ``dropped``, which may be either; ``GET N/grey.jpg``, ``N/colours.jpg``,
    ``N/hints.png``, ``save/photo`` and ``save/hints``.
    """
    router = APIRouter(prefix="/sitting/{token}")

    @router.post("/{what}")
    async def take(token: str, what: str, request: Request) -> Response:
        try:
            sitting = sittings[token]
            takes: dict[str, Callable[[bytes, str], str | None]] = {
                "photo": sitting.take_photo,
                "hints": sitting.take_hints,
                "dropped": sitting.take_dropped,
            }
            content = await _body(request)
            name = unquote(request.headers.get("x-name", ""))[:200] or what
            remark = await run_in_threadpool(takes[what], content, name)
        except (ZooError, KeyError) as error:
            return JSONResponse({"error": str(error)}, status_code=400, headers=_KEPT_NOWHERE)
        return JSONResponse({"note": remark} if remark else {}, headers=_KEPT_NOWHERE)

    @router.get("/{version}/hints.png")
    async def painting(token: str, version: int) -> Response:
        return await _answer(lambda: (None, sittings[token].painted()), "image/png")

    @router.get("/{version}/{picture}.jpg")
    async def shown(token: str, version: int, picture: str) -> Response:
        return await _answer(lambda: (None, {"grey": sittings[token].grey, "colours": sittings[token].seen}[picture]()))

    @router.get("/save/photo")
    async def save_photo(token: str, model: str) -> Response:
        return await _answer(lambda: sittings[token].saved_photo(*offered[model]))

    @router.get("/save/hints")
    async def save_hints(token: str) -> Response:
        return await _answer(lambda: sittings[token].saved_hints())

    return router


async def _body(request: Request) -> bytes:
    """What was sent, read no further than :data:`BYTES` and a little: the sitting says what is wrong with more."""
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > BYTES:
            break
    return bytes(content)


async def _answer(made: Callable[[], tuple[str | None, bytes]], kind: str = "image/jpeg") -> Response:
    """A picture, or with a name a download; or the sentence why there is none."""
    try:
        name, content = await run_in_threadpool(made)
    except (ZooError, KeyError) as error:
        return JSONResponse({"error": str(error)}, status_code=404, headers=_KEPT_NOWHERE)
    if name is None:
        return Response(content, media_type=kind, headers=_KEPT_NOWHERE)
    disposition = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(content, media_type="application/octet-stream", headers=_KEPT_NOWHERE | disposition)
