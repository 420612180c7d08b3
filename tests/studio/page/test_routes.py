"""The addresses beside the page: bounded, in memory, each sitting's own. And who may reach the page."""

from __future__ import annotations

import io
import socket
import sys
import tempfile

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zoo.cli.main import cli
from zoo.core.errors import BadInput
from zoo.core.photo import read_photo

fastapi = pytest.importorskip("fastapi", reason="the extra app is not installed")
from starlette.testclient import TestClient  # noqa: E402

from zoo.studio.page import routes as module  # noqa: E402
from zoo.studio.page.offered import Offered  # noqa: E402
from zoo.studio.page.routes import SITTINGS, Sittings, routes  # noqa: E402
from zoo.studio.page.serve import is_loopback, listening  # noqa: E402


@pytest.fixture
def sittings() -> Sittings:
    return Sittings()


@pytest.fixture
def client(sittings) -> TestClient:
    app = fastapi.FastAPI()
    app.include_router(routes(sittings, Offered([])))
    return TestClient(app)


@pytest.fixture
def photo(photo_paths) -> bytes:
    return photo_paths[0].read_bytes()


def test_a_photo_comes_in_and_its_result_goes_out(client, sittings, photo):
    sitting = sittings.begin()
    at = f"/sitting/{sitting.token}"
    taken = client.post(f"{at}/photo", content=photo, headers={"X-Name": "%C3%BCber.jpg"})
    assert (taken.status_code, taken.json()) == (200, {})
    assert client.get(f"{at}/1/grey.jpg").headers["content-type"] == "image/jpeg"
    assert client.get(f"{at}/1/colours.jpg").status_code == 404  # not coloured yet
    marks = b'[{"x": 20, "y": 20, "color": "red", "radius": 9}]'
    assert client.post(f"{at}/hints", content=marks).status_code == 200
    saved = client.get(f"{at}/save/photo", params={"model": "pyramid"})
    assert "filename*=UTF-8''%C3%BCber.colorized.jpg" in saved.headers["content-disposition"]
    assert saved.headers["cache-control"] == "no-store"
    assert np.ptp(read_photo(saved.content)[20, 20].astype(int)) > 80
    assert b'"color":"red"' in client.get(f"{at}/save/hints").content
    picture = np.zeros((*read_photo(photo).shape[:2], 4), np.uint8)
    picture[20:40, 20:40] = (200, 40, 40, 255)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    assert client.post(f"{at}/dropped", content=buffer.getvalue(), headers={"X-Name": "a.png"}).json() == {}
    shown = client.get(f"{at}/1/hints.png")
    assert shown.headers["content-type"] == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(shown.content))), picture)
    assert client.get(f"{at}/save/hints").content.startswith(b"\x89PNG")


def test_one_sitting_never_sees_anothers_photo(client, sittings, photo):
    one, other = sittings.begin(), sittings.begin()
    assert one.token != other.token
    assert len(one.token) >= 32
    client.post(f"/sitting/{one.token}/photo", content=photo)
    for token in (other.token, "guessed", one.token[:-1]):
        for what in ("1/grey.jpg", "1/colours.jpg", "1/hints.png", "save/photo?model=pyramid", "save/hints"):
            answer = client.get(f"/sitting/{token}/{what}")
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/json"
    sittings.end(one)
    assert client.get(f"/sitting/{one.token}/1/grey.jpg").status_code == 404


def test_nothing_that_comes_in_is_written(client, sittings, photo, tmp_path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file")

    for name in ("SpooledTemporaryFile", "NamedTemporaryFile", "TemporaryFile", "mkstemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.chdir(tmp_path)
    at = f"/sitting/{sittings.begin().token}"
    assert client.post(f"{at}/photo", content=photo).status_code == 200
    assert client.get(f"{at}/save/photo", params={"model": "pyramid"}).status_code == 200
    assert not list(tmp_path.rglob("*"))


def test_an_upload_is_read_no_further_than_the_page_takes(client, sittings, monkeypatch):
    read = 0

    def endless():
        nonlocal read
        while read < 2**24:
            read += 2**16
            yield b"\0" * 2**16

    monkeypatch.setattr(module, "BYTES", 2**20)
    monkeypatch.setattr("zoo.studio.page.given.BYTES", 2**20)
    answer = client.post(f"/sitting/{sittings.begin().token}/photo", content=endless(), headers={"X-Name": "a.jpg"})
    assert answer.status_code == 400
    assert "a.jpg is larger than 1 MiB" in answer.json()["error"]


def test_what_is_wrong_is_a_sentence(client, sittings):
    at = f"/sitting/{sittings.begin().token}"
    assert "GIF89a" not in client.post(f"{at}/photo", content=b"GIF89a nonsense").json()["error"]
    assert "no photo" in client.post(f"{at}/hints", content=b"[]").json()["error"]
    assert "closed" in client.post("/sitting/nobody/photo", content=b"").json()["error"]
    assert "not offered" in client.get(f"{at}/save/photo", params={"model": "/etc"}).json()["error"]


def test_there_are_so_many_sittings_and_no_more(sittings):
    each = [sittings.begin() for _ in range(SITTINGS)]
    with pytest.raises(BadInput, match="close one"):
        sittings.begin()
    sittings.end(each[3])
    sittings.begin()


def test_only_this_machine_reaches_the_page_by_default():
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("192.168.1.2")
    assert not is_loopback("example.org")
    with listening("127.0.0.1", 0) as at:
        assert at.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(cli, ["serve", "--port", str(port), "--no-browser"], prog_name="zoo")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert f"port {port} cannot be listened on" in result.stderr


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "nicegui", None)
    for name in ("serve", "page"):
        monkeypatch.delitem(sys.modules, f"zoo.studio.page.{name}", raising=False)
    result = CliRunner().invoke(cli, ["serve", "--no-browser"], prog_name="zoo")
    assert result.exit_code == 2
    assert "colorizer-zoo[app]" in result.stderr


def test_a_photo_of_too_many_pixels_is_refused_by_its_header(client, sittings, tmp_path):
    Image.new("1", (9000, 9000)).save(tmp_path / "large.png")
    at = f"/sitting/{sittings.begin().token}"
    answer = client.post(f"{at}/photo", content=(tmp_path / "large.png").read_bytes())
    assert "9000×9000 pixels and the page takes 50 megapixels" in answer.json()["error"]
