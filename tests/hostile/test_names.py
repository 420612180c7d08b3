"""Whatever a stranger calls his package and its entry points: listing goes on, and no name leaves its folder."""

from __future__ import annotations

import importlib.metadata
import itertools
import runpy
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.core import registry_rows
from zoo.core.errors import AmbiguousName, UnknownName
from zoo.core.kinds import KINDS
from zoo.core.registry import Registry
from zoo.harness.plan.planned_run import UnresolvedRun
from zoo.harness.plan.suite import Suite
from zoo.harness.results.protocol import Protocol
from zoo.harness.results.run_record import Data, Photos

DAMAGE = runpy.run_path(str(Path(__file__).with_name("damage.py")))
names, encoded, files = DAMAGE["names"], DAMAGE["encoded"], DAMAGE["files"]
damaged, one_sentence = DAMAGE["damaged"], DAMAGE["one_sentence"]
hostile = settings.get_profile("hostile")
_count = itertools.count()
NOTHING = Data(Photos("photos", 0), Photos("photos", 0))

POINTS = b"[console_scripts]\nx = a.b:c\n\n[zoo.models]\ntiny = tiny_plugin:Tiny\nother = tiny_plugin:Other [extra]\n"
METADATA = b"Metadata-Version: 2.1\nName: tiny-plugin\nVersion: 1.0+local\nSummary: a text\n"

_points = st.lists(st.tuples(st.sampled_from(list(KINDS)), encoded, encoded), max_size=4).map(
    lambda points: b"".join(b"[zoo.%s]\n%s = %s\n" % (kind.encode(), name, value) for kind, name, value in points)
)
_metadata = st.tuples(encoded, encoded).map(lambda pair: b"Name: %s\nVersion: %s\n" % pair)


@pytest.fixture
def site(tmp_path, monkeypatch) -> Path:
    """A folder of installed packages, the only one; and no built-in table, which is long to read."""
    (tmp_path / "empty.yaml").touch()
    monkeypatch.setattr(registry_rows, "registry_file", lambda: tmp_path / "empty.yaml")
    return tmp_path


def read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    of = partial(importlib.metadata.distributions, path=[str(folder)])
    monkeypatch.setattr(importlib.metadata, "distributions", of)
    return Registry.read()


@given(st.one_of(_points, _points, files, damaged(POINTS)), st.one_of(_metadata, files, damaged(METADATA)))
@hostile
def test_the_entry_points_of_a_stranger(site, points, metadata):
    folder = site / str(next(_count))  # a new one: importlib remembers what is in a folder
    for place, content in (("strange-1.0", metadata), ("twin-1.0", b"Name: twin\nVersion: 1\n")):
        (folder / f"{place}.dist-info").mkdir(parents=True)
        (folder / f"{place}.dist-info" / "METADATA").write_bytes(content)
        (folder / f"{place}.dist-info" / "entry_points.txt").write_bytes(points)
    with pytest.MonkeyPatch.context() as patch:
        registry = read(folder, patch)
    for kind in KINDS:
        for name in registry.names(kind):
            record = registry.entry(kind, name)
            assert name in (record.name, record.qualified)
            assert (site / name).resolve().parent == site.resolve()
            assert len(name) < 200
    for name in registry.names("models"):
        row = {"model": name, "label": name, "seed": 0, "key": "0"}
        run = UnresolvedRun(**row, suite=Suite(size=32), protocol=Protocol(), data=NOTHING, error="")
        assert (site / run.folder).resolve() == site.resolve() / run.folder


def test_a_good_neighbour_is_listed_beside_a_damaged_one(site, monkeypatch):
    for name, points in (("good", POINTS), ("bad", b"[zoo.models]\nno equals sign\n"), ("worse", b"\xff\xfe")):
        (site / f"{name}-1.dist-info").mkdir()
        (site / f"{name}-1.dist-info" / "METADATA").write_text(f"Name: {name}\nVersion: 1\n")
        (site / f"{name}-1.dist-info" / "entry_points.txt").write_bytes(points)
    (site / "empty-1.dist-info").mkdir()
    assert read(site, monkeypatch).names("models") == ["other", "tiny"]


@given(st.sampled_from((*KINDS, "")) | names, names)
@hostile
def test_a_name_is_found_or_unknown(builtin, kind, name):
    for look_up in (builtin.entry, builtin.names):
        try:
            look_up(kind, name)
        except (UnknownName, AmbiguousName) as error:
            one_sentence(error)


@pytest.fixture(scope="module")
def builtin() -> Registry:
    return Registry.read()
