"""The page as a program: who may reach it, and how long it stays."""

from __future__ import annotations

import ipaddress
import socket

import uvicorn
from fastapi import FastAPI
from nicegui import context, ui
from starlette.middleware.trustedhost import TrustedHostMiddleware

from zoo.core.errors import BadInput
from zoo.studio.page.offered import Offered
from zoo.studio.page.page import Page
from zoo.studio.page.routes import Sittings, routes

RECONNECT = 600.0
"""Seconds that a browser which is out of sight, as a phone's is, keeps its photo."""

LOOPBACK = "127.0.0.1"


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listening(host: str, port: int) -> socket.socket:
    """A socket for the page; port 0 takes a free one.

    Raises:
        BadInput: the address cannot be had.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise BadInput(
            f"{host}, port {port} cannot be listened on ({error.strerror or error}); give another --port, or --host."
        ) from None


def app_of(offered: Offered, sittings: Sittings, *, local: bool) -> FastAPI:
    """The page and its routes.

    Args:
        local: answer only to this machine's own names: a page elsewhere whose name is made to lead here is refused.
    """
    app = FastAPI(openapi_url=None)
    app.include_router(routes(sittings, offered))
    if local:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["localhost", LOOPBACK])

    @ui.page("/", title="Colour by hand", reconnect_timeout=RECONNECT)
    def page() -> None:
        try:
            sitting = sittings.begin()
        except BadInput as error:
            ui.label(str(error))
            return
        context.client.on_delete(lambda: sittings.end(sitting))
        Page(sitting, offered)

    ui.run_with(app, title="Colour by hand", show_welcome_message=False)
    return app


def serve(app: FastAPI, at: socket.socket) -> None:
    """Answer until the program is interrupted."""
    config = uvicorn.Config(app, log_level="warning", ws_max_size=2**20)
    uvicorn.Server(config).run(sockets=[at])
