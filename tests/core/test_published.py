"""Published files of weights: known by their hash, downloaded checked, built with the options they need."""

from __future__ import annotations

import hashlib
import http.server
import re
import threading
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import zoo
from zoo.core import download
from zoo.core.errors import BadInput, Unavailable, UnknownName
from zoo.core.given_weights import given_weights
from zoo.core.registry import Registry, current, use
from zoo.core.resolve import resolve
from zoo.parts.networks.zhang2016 import Zhang2016
from zoo.parts.networks.zhang2017 import Zhang2017


def made_from_a_seed(shapes) -> dict[str, torch.Tensor]:
    """A state dict of the published keys whose network answers with colours that are neither grey nor saturated."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for key, shape in shapes.items():
        if key.endswith(("running_var", "num_batches_tracked")):
            state[key] = torch.ones(shape, dtype=torch.long if key.endswith("tracked") else torch.float32)
        elif len(shape) == 4:
            fan_in = shape[1] * shape[2] * shape[3]
            state[key] = torch.randn(shape, generator=generator) * (2 / fan_in) ** 0.5
        else:
            state[key] = torch.rand(shape, generator=generator) * 0.2
    return state


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Two files of the published keys, named as the public ones are: by the first digits of their hash."""
    folder = tmp_path_factory.mktemp("served")
    found = {}
    for name, network in (("siggraph17", Zhang2017), ("colorization_release_v2", Zhang2016)):
        torch.save(made_from_a_seed(network.published_shapes()), folder / "made.pth")
        digest = hashlib.sha256((folder / "made.pth").read_bytes()).hexdigest()
        found[name] = (folder / "made.pth").rename(folder / f"{name}-{digest[:8]}.pth")
    return found


@pytest.fixture(scope="module")
def server(files):
    """The folder of the files over HTTP, with the paths it was asked for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(files["siggraph17"].parent))

        def log_message(self, format, *args):
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}", asked
        served.shutdown()


@pytest.fixture
def table(files, server, tmp_path, monkeypatch):
    """The built-in table with those two files in the place of the public ones, and an empty cache."""
    url, _ = server
    rows = []
    for name, file in files.items():
        row = Registry.read().weights[name]
        rows.append(
            f"  {name}: {{model: {row.model}, options: {dict(row.options)}, url: {url}/{file.name},"
            f" sha256: '{file.stem[-8:]}'}}\n"
        )
    registry = tmp_path / "registry.yaml"
    registry.write_text("weights:\n" + "".join(rows))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "_failed_here", set())
    use(Registry.read([registry]))
    yield registry
    use(None)


def test_the_built_in_table_holds_the_public_files():
    """The names, digits and options of richzhang/colorization: colorizers/siggraph17.py, eccv16.py; and DDColor's."""
    rows = Registry.read().weights
    assert {row.url.rpartition("/")[2] for row in rows.values()} == {
        "siggraph17-df00044c.pth",
        "colorization_release_v2-9b330a0b.pth",
        "pytorch_model.bin",
    }
    assert rows["siggraph17"].options == {"mask_cent": 0}
    assert rows["colorization_release_v2"].options == {"temperature": 1}
    for row in rows.values():
        # By a digest in its name, or by all digits at one revision: the file cannot become another one.
        assert row.sha256 in row.url or (len(row.sha256) == 64 and re.search("/resolve/[0-9a-f]{40}/", row.url))
        assert row.licence
        assert resolve(row.model, row.options).parts["network"].options.items() >= row.options.items()


@pytest.mark.slow
def test_a_file_is_known_by_its_hash_whatever_its_name(files, table, tmp_path):
    other = tmp_path / "downloads.bin"
    other.write_bytes(files["siggraph17"].read_bytes())
    for path in (files["siggraph17"], other):
        given = given_weights("zhang2017", path)
        assert given.options == {"mask_cent": 0}
        assert f"weights from {path.name}, sha256" in given.notes[0]
        assert "published as 'siggraph17' with mask_cent=0" in given.notes[0]


@pytest.mark.slow
def test_what_the_caller_sets_wins_and_is_said(files, table):
    given = given_weights("zhang2017", files["siggraph17"], {"mask_cent": 0.5})
    assert given.options == {}
    assert "set otherwise than 'siggraph17' needs, which has mask_cent=0" in given.notes[1]
    assert len(given_weights("zhang2017", files["siggraph17"], {"mask_cent": 0}).notes) == 1


@pytest.mark.slow
def test_a_name_that_promises_another_hash_is_refused(files, table, tmp_path):
    damaged = tmp_path / files["siggraph17"].name
    damaged.write_bytes(files["siggraph17"].read_bytes()[:-1])
    with pytest.raises(BadInput, match=r"named like the published weights 'siggraph17', but its SHA-256 begins with"):
        given_weights("zhang2017", damaged)
    anew = damaged.with_suffix(".safetensors")
    save_file(torch.load(files["siggraph17"], weights_only=True), anew)
    with pytest.raises(BadInput, match="--set mask_cent=0"):
        given_weights("zhang2017", anew)
    dated = anew.rename(tmp_path / "mine-20240131.safetensors")
    assert given_weights("zhang2017", dated).options == {}


@pytest.mark.slow
def test_an_unknown_file_in_the_published_layout_is_said_to_be_unsure(files, table, tmp_path):
    state = torch.load(files["siggraph17"], weights_only=True)
    torch.save({"state_dict": {f"module.{key}": value for key, value in state.items()}}, tmp_path / "trained.pth")
    notes = " ".join(zoo.load("zhang2017", weights=tmp_path / "trained.pth").notes)
    assert "unwrapped from 'state_dict'" in notes
    assert "'siggraph17' has mask_cent=0" in notes
    assert "not a file of the table" not in " ".join(
        zoo.load("zhang2017", weights=tmp_path / "trained.pth", options={"mask_cent": 0.5}).notes
    )


@pytest.mark.slow
def test_another_models_file_is_refused(files, table):
    with pytest.raises(BadInput, match="'siggraph17' of 'zhang2017', not of 'zhang2016'"):
        given_weights("zhang2016", files["siggraph17"])
    with pytest.raises(BadInput, match=r"for 'unet' \(there are for ddcolor, zhang2016, zhang2017\)"):
        given_weights("unet", "published")
    with pytest.raises(UnknownName, match="zhang2017"):
        given_weights("zhang2071", "published")


@pytest.mark.slow
def test_a_row_of_the_users_on_the_same_network_takes_the_file(files, table):
    rows = table.read_text() + 'models:\n  my2017: {target: "zoo.parts.networks.zhang2017:Zhang2017", summary: mine}\n'
    table.write_text(rows)
    use(Registry.read([table]))
    assert given_weights("my2017", files["siggraph17"]).options == {"mask_cent": 0}
    with pytest.raises(BadInput, match="not of 'zhang2017_global'"):
        given_weights("zhang2017_global", files["siggraph17"])


@pytest.mark.slow
def test_published_is_downloaded_once_and_checked(files, table, server, tmp_path):
    _, asked = server
    asked.clear()
    first = given_weights("zhang2017", "published")
    assert first.file.read_bytes() == files["siggraph17"].read_bytes()
    assert first.file.is_relative_to(tmp_path / "cache")
    assert first.options == {"mask_cent": 0}
    count = len(asked)
    assert count
    assert given_weights("zhang2017", "siggraph17") == first, "by its name in the table"
    assert len(asked) == count, "the cache answers"
    first.file.write_bytes(b"damaged")
    with pytest.raises(Unavailable, match=r"is damaged .* delete it"):
        given_weights("zhang2017", "published")


def test_a_download_that_is_another_file_is_refused_and_not_kept(files, table, tmp_path):
    file = files["siggraph17"].parent / "siggraph17-0badc0de.pth"
    file.write_bytes(b"something else")
    table.write_text(
        table.read_text()
        .replace(files["siggraph17"].name, file.name)
        .replace(files["siggraph17"].stem[-8:] + "'", "0badc0de'")
    )
    use(Registry.read([table]))
    with pytest.raises(Unavailable, match="arrived damaged"):
        given_weights("zhang2017", "published")
    assert not list((tmp_path / "cache").rglob("*.pth*.partial"))
    assert not list((tmp_path / "cache").rglob("*.pth"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x-0badc0de.pth", "http://name.invalid/x-0badc0de.pth"])
def test_without_a_network_one_sentence_says_so(table, url):
    table.write_text(f"weights:\n  mine: {{model: unet, url: '{url}', sha256: 0badc0de}}\n")
    use(Registry.read([table]))
    for _ in range(2):  # a person who asks again is not told of the failure before
        with pytest.raises(Unavailable) as error:
            given_weights("unet", "published")
        assert str(error.value).startswith("The file of 'mine' could not be downloaded from http://")
        assert "\n" not in str(error.value)
        assert "give its path" in str(error.value)


def test_several_files_of_one_model_are_asked_between(table, server, files):
    url, _ = server
    table.write_text(
        "weights:\n"
        f"  first: {{model: unet, url: '{url}/a.pth', sha256: 0badc0de}}\n"
        f"  second: {{model: unet, url: '{url}/b.pth', sha256: 0badc0df}}\n"
    )
    use(Registry.read([table]))
    with pytest.raises(BadInput, match="write one of first, second"):
        given_weights("unet", "published")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{model: unet, url: 'https://x/y.pth', sha256: 123}", "sha256"),
        ("{model: unet, url: 'https://x/y.pth', sha256: 'DF00044C'}", "first 8 to 64 digits"),
        ("{model: unet, url: 'file:///etc/passwd', sha256: df00044c}", "begins with https://"),
        ("{model: unet, url: 'https://x/y.pth', sha256: df00044c, option: {}}", "options"),
        ("{url: 'https://x/y.pth', sha256: df00044c}", "model"),
    ],
)
def test_a_row_that_is_none_is_refused(tmp_path, row, said):
    (tmp_path / "r.yaml").write_text(f"weights:\n  mine: {row}\n")
    with pytest.raises(BadInput, match=said):
        Registry.read([tmp_path / "r.yaml"])


def test_the_options_enter_the_identity(files, table):
    """Two keys that differ: a row of published weights is not the row of the model's own options."""
    given = given_weights("zhang2017", files["siggraph17"])
    assert resolve("zhang2017", given.options).identity() != resolve("zhang2017").identity()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["siggraph17", "colorization_release_v2"])
def test_zoo_load_builds_what_the_file_needs(files, table, name):
    model = current().weights[name].model
    colorizer = zoo.load(model, weights=files[name])
    again = zoo.load(model, weights="published")
    condition = torch.cat((torch.rand(1, 1, 32, 32) * 2 - 1, torch.zeros(1, 3, 32, 32)), dim=1)
    with torch.no_grad():
        assert torch.equal(colorizer(condition)["ab"], again(condition)["ab"])
    assert f"published as '{name}'" in colorizer.notes[0]


@pytest.mark.slow
def test_options_that_change_the_network_are_refused_by_its_shapes_or_honoured(files, table):
    with pytest.raises(
        BadInput, match=r"does not fit 'zhang2017': conv1\.0\.weight has shape \(64, 4, 3, 3\), not \(8, 4, 3, 3\)"
    ):
        zoo.load("zhang2017", weights=files["siggraph17"], options={"width": 8, "mask_cent": 0})
    with pytest.raises(BadInput, match=r"project\.weight has shape \(313, 256, 1, 1\), not \(100, 256, 1, 1\)"):
        zoo.load("zhang2016", weights=files["colorization_release_v2"], options={"bins": 100})
    automatic = zoo.load("zhang2016", weights=files["colorization_release_v2"], options={"hints": False})
    hinted = zoo.load("zhang2016", weights=files["colorization_release_v2"])
    condition = torch.cat((torch.rand(1, 1, 32, 32) * 2 - 1, torch.zeros(1, 3, 32, 32)), dim=1)
    with torch.no_grad():
        torch.testing.assert_close(automatic(condition)["ab"], hinted(condition)["ab"])
