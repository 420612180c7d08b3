"""Entry points of a group that nobody reads are named, with the group that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from zoo.cli.main import cli
from zoo.core import registry
from zoo.core.errors import UnknownName
from zoo.core.registry_rows import misplaced_entry_points


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make one more distribution with these entry points visible, beside the installed ones."""

    def add(points: str) -> None:
        folder = tmp_path / "mine-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(points)
        monkeypatch.syspath_prepend(tmp_path)
        registry.use(None)

    yield add
    registry.use(None)


@pytest.mark.parametrize(
    ("group", "meant"),
    [
        ("zoo.model", "'zoo.models'"),
        ("zoo.Models", "'zoo.models'"),
        ("zoo_models", "'zoo.models'"),
        ("zoo-models", "'zoo.models'"),
        ("Zoo.models", "'zoo.models'"),
        ("colorizer_zoo.models", "'zoo.models'"),
        ("colorizer-zoo.losses", "'zoo.losses'"),
        ("zoo.loss", "'zoo.losses'"),
        ("zoo.metric", "'zoo.metrics'"),
        ("zoo.qwertz", "zoo.encoders"),
        ("zoo", "zoo.encoders"),
    ],
)
def test_the_group_that_was_meant(install, group, meant):
    install(f"[{group}]\nmy_idea = json:loads\n")
    (found,) = [str(each) for each in misplaced_entry_points()]
    assert f"mine registers 'my_idea' in the entry-point group {group!r}, which is not read" in found
    assert meant in found
    runner = CliRunner()
    listed = runner.invoke(cli, ["list"], prog_name="zoo")
    assert found in listed.stderr
    assert "my_idea" not in listed.stdout
    with pytest.raises(UnknownName, match="which is not read"):
        registry.current().entry("models", "my_idea")
    for verb in (["check", "my_idea"], ["show", "my_idea"], ["bench", "--models", "my_idea"]):
        assert meant in runner.invoke(cli, verb, prog_name="zoo").stderr


def test_doctor_warns_of_it(install):
    from zoo.cli.doctor import _plugins

    install("[zoo.model]\nmy_idea = json:loads\n")
    assert [(fine, what) for fine, what, detail in _plugins() if "'zoo.models'" in detail] == [(False, "plugin")]


@pytest.mark.parametrize("group", ["console_scripts", "zookeeper.models", "pytest11", "bazoo.models", "zoom.models"])
def test_other_peoples_groups_are_none_of_ours(install, group):
    install(f"[{group}]\nmy_idea = json:loads\n")
    assert misplaced_entry_points() == []


def test_the_right_group_is_read(install):
    install("[zoo.losses]\nmine = json:loads\n")
    assert misplaced_entry_points() == []
    assert registry.current().entry("losses", "mine").distribution == "mine"


def test_a_plugins_network_is_known_before_its_model_is_asked_for(install):
    """A run is planned in one process and made in another, which is told of the network alone."""
    install("[zoo.models]\nmine = zoo.parts.networks.gray:Gray\nnothing = sys:maxsize\n")
    assert registry.current().entry("networks", "mine@mine").target == "zoo.parts.networks.gray:Gray"
    assert registry.current().entry("networks", "mine") is registry.current().entry("networks", "mine@mine")
    for name in ("nothing", "mine@another", "nobody"):
        with pytest.raises(UnknownName, match="Unknown network"):
            registry.current().entry("networks", name)
