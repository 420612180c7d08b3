"""`zoo list` and `zoo show` say what is in the table."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from zoo import build, list_models
from zoo.cli.main import cli
from zoo.cli.names import LISTED, known_names


def zoo(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments, prog_name="zoo")
    assert result.exit_code == 0, result.output
    return result.stdout


def test_names_are_the_models():
    assert zoo("list", "--format", "names").split() == list_models()
    assert zoo("list", "--format", "names", "--filter", "r2*").split() == list_models("r2*")


def test_the_table_has_a_line_a_model_and_json_the_same():
    lines = zoo("list").splitlines()
    assert lines[0].split() == ["name", "state", "origin", "summary"]
    assert [line.split()[0] for line in lines[1:]] == list_models()
    assert [row["name"] for row in json.loads(zoo("list", "--format", "json"))] == list_models()


@pytest.mark.parametrize("kind", LISTED)
def test_every_kind_can_be_listed_and_all_holds_it(kind):
    rows = json.loads(zoo("list", kind, "--format", "json"))
    everything = json.loads(zoo("list", "all", "--format", "json"))
    assert rows == [row for row in everything if row["kind"] == kind]


def test_show_counts_the_parameters_of_a_model():
    text = zoo("show", "unet")
    count = sum(p.numel() for p in build("unet").parameters())
    assert f"{count:,}" in text
    assert "arXiv:1505.04597" in text


def test_show_says_what_a_hint_gain_is_of():
    def gain(name: str) -> list[str]:
        said = (line.partition("hint gain") for line in zoo("show", name).splitlines())
        return [value.strip() for _, key, value in said if key]

    assert gain("models/unet") == ["8"]
    assert gain("models/pyramid") == []
    assert [line.partition(" (")[0] for line in gain("models/ogni")] == ["8"]
    assert "spread colours that the network reads" in gain("models/ogni")[0]


def test_show_gives_a_parts_options_and_a_recipes_values():
    assert "stop=0.125" in zoo("show", "hints/points")
    assert "2.5e-05" in zoo("show", "gachon")
    assert "metrics/ssim" in zoo("show", "metrics/ssim")
    assert "size" in zoo("show", "suites/smoke")


@pytest.mark.parametrize("kind", LISTED)
def test_show_knows_every_name_that_list_shows(kind):
    names = zoo("list", kind, "--format", "names").split()
    assert names == known_names(kind)
    for name in names[:2] if kind == "models" else names:
        assert f"{kind}/{name}" in zoo("show", f"{kind}/{name}")


@pytest.mark.parametrize(
    "name", ["quick", "smoke", "gachon128", "local", "tensorboard", "photos", "adamw", "reference"]
)
def test_a_bare_name_is_enough_where_it_means_one_thing(name):
    assert f"/{name}" in zoo("show", name)


def test_what_else_a_name_means_is_said():
    assert "suites/gachon" in zoo("show", "gachon")
    assert "metrics/psnr" in zoo("show", "psnr")
    assert "suites/smoke" in zoo("show", "suites/smok[e]")


def test_show_takes_one_thing():
    assert "models/gray" in zoo("show", "models/gra[y]")
    result = CliRunner().invoke(cli, ["show", "models/*unet"], prog_name="zoo")
    assert result.exit_code == 2
    assert result.stderr.startswith("zoo: 'models/*unet' may be models/attention_unet or ")
    assert result.stderr.endswith(" more; use one of these names.\n")
    assert len(result.stderr) < 300


def test_published_weights_are_listed_and_shown():
    listed = CliRunner().invoke(cli, ["list", "weights"], prog_name="zoo")
    assert "siggraph17" in listed.stdout
    assert "colorization_release_v2" in listed.stdout
    shown = CliRunner().invoke(cli, ["show", "siggraph17"], prog_name="zoo").stdout
    assert "weights/siggraph17" in shown
    assert "mask_cent" in shown
    assert "siggraph17-df00044c.pth" in shown
