"""`zoo colorize` over files and folders, the good and the bad, again and again."""

from __future__ import annotations

import inspect
import io
import os
import runpy
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image
from PIL.ExifTags import Base
from safetensors.torch import save_file

import zoo
from zoo.cli.colorize import command as colorize_command
from zoo.cli.main import cli
from zoo.core import trained
from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.core.resolve import build
from zoo.studio import album as album_module
from zoo.studio import files
from zoo.studio.colorize import Answer
from zoo.studio.manner import Manner
from zoo.studio.metadata import srgb_profile

space = runpy.run_path(str(Path(__file__).parents[1] / "core" / "colour_profiles.py"))


def colorize(*arguments: object, model: str = "gray", stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ["colorize", *map(str, arguments), "--with", model], stdin, prog_name="zoo")


def save_hints(path: Path, colour: tuple[int, int, int] = (255, 0, 0), size: int = 256) -> Path:
    hints = np.zeros((size, size, 4), np.uint8)
    hints[10:20, 10:20] = (*colour, 255)
    Image.fromarray(hints).save(path)
    return path


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def album(tmp_path: Path, photo_paths: list[Path]) -> Path:
    folder = tmp_path / "album"
    (folder / "old").mkdir(parents=True)
    shutil.copy(photo_paths[0], folder / "a.jpg")
    shutil.copy(photo_paths[1], folder / "old" / "b.jpg")
    return folder


def test_a_folder_is_done_once_at_full_size(album, tmp_path):
    out = tmp_path / "out"
    result = colorize(album, "-o", out)
    assert result.exit_code == 0, result.output
    assert "2 colorized" in result.stdout
    made = [out / "a.colorized.png", out / "old" / "b.colorized.png"]
    assert sorted(path for path in out.rglob("*") if path.is_file()) == made
    with Image.open(made[0]) as image:
        assert (image.size, image.mode) == ((256, 256), "RGB")
    stamps = [path.stat().st_mtime_ns for path in made]
    assert "2 done already" in colorize(album, "-o", out).stdout
    assert [path.stat().st_mtime_ns for path in made] == stamps
    assert "2 colorized" in colorize(album, "-o", out, "--overwrite").stdout


def test_a_damaged_photo_is_named_and_the_others_are_done(album):
    (album / "cut.jpg").write_bytes((album / "a.jpg").read_bytes()[:3000])
    (album / "text.png").write_text("not a picture")
    before = {path: path.read_bytes() for path in album.rglob("*.jpg")}
    result = colorize(album)
    assert result.exit_code == 1
    assert "2 colorized, 2 failed" in result.stdout
    assert "cut.jpg" in result.stderr
    assert "text.png" in result.stderr
    assert {path: path.read_bytes() for path in before} == before
    assert not list(album.rglob("*.part"))


def test_nothing_usable_is_exit_code_2(album, tmp_path):
    (tmp_path / "text.png").write_text("not a picture")
    assert colorize(tmp_path / "text.png").exit_code == 2
    (tmp_path / "empty").mkdir()
    assert colorize(tmp_path / "empty").exit_code == 2
    assert colorize(album / "a.jpg", model="unet").exit_code == 2
    assert colorize(album / "a.jpg", "--device", "abacus").exit_code == 2
    assert not list(album.rglob("*.colorized.png"))


def test_hints_are_for_one_photo_of_their_size(album, tmp_path):
    hints = save_hints(tmp_path / "hints.png")
    assert colorize(album / "a.jpg", "--hints", hints).exit_code == 0
    several = colorize(album, "--hints", hints)
    assert several.exit_code == 2
    assert "one photo" in several.stderr
    assert colorize(album / "a.jpg", "--hints", save_hints(hints, size=50), "--overwrite").exit_code == 2


@pytest.mark.slow
def test_another_model_hints_size_or_photo_makes_a_result_anew_and_the_same_call_does_not(album, tmp_path):
    photo, out = album / "a.jpg", tmp_path / "out"
    calls: list[tuple[tuple[object, ...], str]] = [
        ((), "gray"),
        ((), "levin2004"),
        (("--hints", save_hints(tmp_path / "red.png")), "levin2004"),
        (("--hints", save_hints(tmp_path / "green.png", (0, 200, 0))), "levin2004"),
        (("--hints", tmp_path / "green.png", "--size", 64), "levin2004"),
        (("--hints", tmp_path / "green.png", "--size", 64), "huang2005"),
    ]
    seen = []
    for options, model in calls:
        first = colorize(photo, "-o", out, *options, model=model)
        assert "1 colorized" in first.stdout, first.output
        seen.append(content(out)["a.colorized.png"])
        assert "1 done already" in colorize(photo, "-o", out, *options, model=model).stdout
        assert content(out)["a.colorized.png"] == seen[-1]
    assert len(set(seen)) == len(seen)
    save_hints(tmp_path / "green.png", (0, 0, 255))  # the same name, another picture
    options, model = calls[-1]
    assert "1 colorized" in colorize(photo, "-o", out, *options, model=model).stdout
    shutil.copy(album / "old" / "b.jpg", photo)
    assert "1 colorized" in colorize(photo, "-o", out, *options, model=model).stdout
    assert "1 colorized" in colorize(photo, "-o", out, *options, "--again", model=model).stdout


def test_a_results_folder_that_was_moved_is_still_done(album, tmp_path):
    colorize(album, "-o", tmp_path / "out", "--format", "jpg")
    (tmp_path / "out").rename(tmp_path / "moved")
    album.rename(tmp_path / "renamed")
    again = colorize(tmp_path / "renamed", "-o", tmp_path / "moved", "--format", "jpg")
    assert "2 done already" in again.stdout


@pytest.mark.parametrize("form", ["png", "jpg", "webp", "tiff"])
def test_a_picture_changed_by_hand_is_kept_and_told(album, tmp_path, form):
    out = tmp_path / "out"
    colorize(album, "-o", out, "--format", form)
    retouched = next(out.glob("a.colorized.*"))
    with Image.open(retouched) as image:
        exif = image.getexif().tobytes()
        changed = image.convert("RGB").rotate(90)
    changed.save(retouched, exif=exif)
    foreign = next(out.glob("old/b.colorized.*"))
    changed.save(foreign)
    before = content(out)
    for options in ((), ("--again",)):
        result = colorize(album, "-o", out, "--format", form, *options, model="levin2004")
        assert result.exit_code == 1
        assert "2 kept as they were" in result.stdout
        assert f"{retouched} has been changed since it was made" in result.stderr
        assert f"{foreign} was not made by zoo colorize" in result.stderr
        assert "--overwrite" in result.stderr
        assert content(out) == before
    assert "1 done already, 1 kept" in colorize(album, "-o", out, "--format", form).stdout
    assert "2 colorized" in colorize(album, "-o", out, "--format", form, "--overwrite").stdout


def test_weights_are_given_to_a_model_by_name(album, tmp_path):
    for name in ("one", "other"):
        model = build("edsr")
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.05)
        save_file(model.network.state_dict(), tmp_path / f"{name}.safetensors")
    calls = [("--weights", tmp_path / f"{name}.safetensors", "--size", 64) for name in ("one", "other")]
    first = colorize(album / "a.jpg", "-o", tmp_path / "out", *calls[0], model="edsr")
    assert "1 colorized" in first.stdout, first.output
    assert "edsr: weights from one.safetensors" in first.stderr
    assert "1 done already" in colorize(album / "a.jpg", "-o", tmp_path / "out", *calls[0], model="edsr").stdout
    assert "1 colorized" in colorize(album / "a.jpg", "-o", tmp_path / "out", *calls[1], model="edsr").stdout
    assert colorize(album / "a.jpg", "--weights", tmp_path / "nowhere", model="edsr").exit_code == 2


def test_no_colour_is_said_once_for_all_photos_with_its_cause(album, tmp_path):
    result = colorize(album, "-o", tmp_path / "out", model="levin2004")
    assert result.exit_code == 0
    assert result.stderr.count("No colour came out of 2 of 2 photos (a.jpg, b.jpg): levin2004 only spreads") == 1
    assert "has seen no photo" in colorize(album / "a.jpg", "-o", tmp_path / "x.png", model="mean_ab").stderr
    hinted = np.zeros((256, 256, 4), np.uint8)
    hinted[::64, 20:24], hinted[::64, 120:124] = (200, 30, 30, 255), (30, 40, 200, 255)
    Image.fromarray(hinted).save(tmp_path / "hints.png")
    coloured = colorize(album / "a.jpg", "--hints", tmp_path / "hints.png", model="huang2005")
    assert coloured.exit_code == 0
    assert "colour came out" not in coloured.stderr


def test_a_hint_picture_saved_as_jpeg_is_cleaned_with_a_sentence(album, tmp_path):
    with Image.open(album / "a.jpg") as photo:
        painted = photo.convert("L").convert("RGB")
    painted.paste((200, 30, 30), (50, 50, 90, 90))
    painted.save(tmp_path / "hints.jpg")
    result = colorize(album / "a.jpg", "--hints", tmp_path / "hints.jpg", model="huang2005")
    assert result.exit_code == 0
    assert "left out; save hints as PNG" in result.stderr


class NotFinite(torch.nn.Module):
    """NaN for bright photos."""

    stride = 1

    def forward(self, condition):
        ab = torch.full_like(condition[:, :2], 0.2)
        return ab / 0 * 0 if condition[:, 0].mean() > 0.9 else ab


class Failing(torch.nn.Module):
    stride = 1

    def forward(self, condition):
        if condition[:, 0].mean() > 0.9:
            raise ValueError("too bright for me\nand more")
        return condition[:, 1:3]


@pytest.mark.parametrize(("network", "told"), [(NotFinite, "not finite"), (Failing, r"ValueError: too bright for me")])
def test_a_model_that_fails_on_one_photo_costs_that_photo(album, tmp_path, monkeypatch, network, told):
    monkeypatch.setattr(trained, "build", lambda name: Colorizer(network(), name="mine"))
    Image.new("RGB", (20, 20), "white").save(album / "white.png")
    result = colorize(album, "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert "2 colorized, 1 failed" in result.stdout
    assert "white.png: mine" in result.stderr
    assert told in result.stderr
    assert "Traceback" not in result.output
    assert sorted(content(tmp_path / "out")) == ["a.colorized.png", "old/b.colorized.png"]


def test_photos_side_by_side_and_long_names_have_results_of_their_own(tmp_path, photos):
    folder = tmp_path / "album"
    folder.mkdir()
    for name in ("a.jpg", "a.png", "a.gif", "x" * 250 + ".jpg", "ü" * 124 + ".png"):
        Image.fromarray(photos[0][:32, :32]).save(folder / name)
    result = colorize(folder, "-o", tmp_path / "out")
    assert "5 colorized" in result.stdout, result.output
    assert len(content(tmp_path / "out")) == 5
    assert "5 colorized" in colorize(folder).stdout
    assert "5 done already" in colorize(folder).stdout


def test_standard_input_and_output(album, tmp_path):
    photo = (album / "a.jpg").read_bytes()
    piped = colorize("-", stdin=photo)
    assert piped.exit_code == 0
    assert "1 colorized" in piped.stderr
    with Image.open(io.BytesIO(piped.stdout_bytes)) as image:
        assert (image.format, image.size) == ("PNG", (256, 256))
    assert colorize("-", "-o", tmp_path / "o.webp", stdin=photo).exit_code == 0
    with Image.open(tmp_path / "o.webp") as image:
        assert image.format == "WEBP"
    named = colorize(album / "a.jpg", "-o", "-", "--format", "jpg")
    assert named.stdout_bytes.startswith(b"\xff\xd8\xff")
    damaged = colorize("-", stdin=b"no picture")
    assert damaged.exit_code == 2
    assert damaged.stdout_bytes == b""
    assert "standard input: cannot be read as a photo" in damaged.stderr
    assert colorize("-", album / "a.jpg").exit_code == 2


def test_a_file_named_dash_is_a_file(album, monkeypatch):
    shutil.copy(album / "a.jpg", album / "-")
    monkeypatch.chdir(album)
    assert "1 colorized" in colorize("./-").stdout
    assert (album / "-.colorized.png").exists()


def test_the_result_says_what_its_photo_said_and_is_upright(tmp_path, photos):
    exif = Image.Exif()
    exif[Base.Orientation], exif[Base.ImageDescription] = 6, "the mill"
    Image.fromarray(photos[0][:100]).save(tmp_path / "a.jpg", exif=exif, dpi=(300, 300), quality=95)
    for form, suffix in (("png", "png"), ("jpg", "jpg"), ("webp", "webp"), ("tiff", "tiff")):
        assert colorize(tmp_path / "a.jpg", "--format", form).exit_code == 0
        with Image.open(tmp_path / f"a.colorized.{suffix}") as image:
            assert image.size == (100, 256)
            assert image.getexif().get(Base.Orientation, 1) == 1
            assert image.getexif()[Base.ImageDescription] == "the mill"


def test_what_was_converted_is_said_once_for_all_and_the_result_is_srgb(tmp_path, photos):
    """Grey with a gamma of 1: what stands in the file for middle grey is 188 in sRGB (IEC 61966-2-1)."""
    for name in "abcde":
        linear = space["grey_profile"]("linear", 1.0)
        Image.new("L", (40, 30), 128).save(tmp_path / f"{name}.png", icc_profile=linear)
    result = colorize(tmp_path)
    assert "5 colorized" in result.stdout
    (line,) = [line for line in result.stderr.splitlines() if "profile" in line or "sRGB" in line]
    assert "a.png, b.png, c.png and 2 more: " in line
    with Image.open(tmp_path / "a.colorized.png") as image:
        assert image.getpixel((5, 5)) == pytest.approx((188, 188, 188), abs=1)
        assert image.info["icc_profile"] == srgb_profile()


def test_a_result_that_is_a_folder_costs_its_photo(album, tmp_path):
    (tmp_path / "out" / "a.colorized.png").mkdir(parents=True)
    result = colorize(album, "-o", tmp_path / "out", "--overwrite")
    assert result.exit_code == 1
    assert "1 colorized, 1 failed" in result.stdout
    assert "is a folder" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="names of any bytes are Linux's")
def test_a_name_that_no_encoding_knows_is_a_name(tmp_path, photos):
    name = os.fsdecode(b"\xff" * 120 + b"\x1b[2J" + b"\xfe" * 122 + b".png")
    Image.fromarray(photos[0][:20, :20]).save(tmp_path / name)
    result = colorize(tmp_path)
    assert "1 colorized" in result.stdout, result.output
    assert "\x1b" not in result.output
    assert len(list(tmp_path.iterdir())) == 2


def test_transparency_is_kept_and_what_is_seen_through_it_too(tmp_path, photos):
    alpha = np.tile(np.linspace(0, 255, 64).round().astype(np.uint8), (64, 1))
    grey = np.asarray(Image.fromarray(photos[0][:64, :64]).convert("L"))
    Image.fromarray(np.dstack((grey, grey, grey, alpha))).save(tmp_path / "a.png")
    assert colorize(tmp_path / "a.png").exit_code == 0
    made = np.asarray(Image.open(tmp_path / "a.colorized.png"))
    assert np.array_equal(made[..., 3], alpha)
    assert np.abs(made[..., 1].astype(int) - grey).max() <= 1  # not lightened by the white behind it
    told = colorize(tmp_path / "a.png", "--format", "jpg")
    assert "no transparency" in told.stderr


def test_scoring_the_results_of_an_album_just_works(album, tmp_path, photos):
    for name in ("b.jpg", "b.png", "x" * 250 + ".jpg"):
        Image.fromarray(photos[3]).save(album / name)
    for form in ("png", "jpg"):
        out = tmp_path / form
        assert colorize(album, "-o", out, "--format", form).exit_code == 0
        arguments = ["score", str(out), str(album), "--metrics", "psnr", "--format", "csv"]
        result = CliRunner().invoke(cli, arguments, prog_name="zoo")
        assert result.exit_code == 0, result.output
        assert len(result.stdout.splitlines()) == 6


def test_one_folder_that_cannot_be_written_is_found_first_and_costs_its_own_photos(album, monkeypatch):
    seen = []
    monkeypatch.setattr(album_module, "answered", lambda *_, **__: seen.append(1) or Answer(torch.zeros(1, 2, 4, 4)))
    monkeypatch.setattr(
        files, "make_writable_folder", lambda folder: _refused(folder) if folder.name == "old" else folder
    )
    result = colorize(album)
    assert result.exit_code == 1
    assert "1 colorized, 1 failed" in result.stdout
    assert len(seen) == 1
    assert "old cannot be written" in result.stderr


def _refused(folder: Path) -> Path:
    raise BadInput(f"{folder} cannot be written: no; choose another folder.")


def test_an_output_that_cannot_be_written_is_a_sentence_before_the_first_photo(album, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(album_module, "answered", lambda *_, **__: pytest.fail("a photo was computed"))
    result = colorize(album / "a.jpg", "-o", tmp_path / "file")
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_weights_from_a_file_colour_a_photo(album, tmp_path):
    """A registered model with a file of weights in --weights; its options with --set."""
    network = zoo.build("unet", width=4, depth=3).network
    torch.save({"state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, tmp_path / "w.pth")
    given = ["--weights", tmp_path / "w.pth", "--set", "width=4", "--set", "depth=3"]
    result = colorize(album / "a.jpg", *given, model="unet")
    assert result.exit_code == 0, result.output
    assert "weights from w.pth, sha256" in result.stderr
    assert "unwrapped from 'state_dict'" in result.stderr
    assert (album / "a.colorized.png").is_file()
    misfit = colorize(album / "a.jpg", "--again", *given[:4], model="unet")
    assert misfit.exit_code == 2
    assert "does not fit 'unet'" in misfit.stderr
    assert "No weights are published for 'unet'" in colorize(album, "--weights", "published", model="unet").stderr


def test_options_are_for_models_and_not_for_runs(album, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    result = colorize(album, "--set", "width=4", model=str(tmp_path / "run"))
    assert result.exit_code == 2
    assert "leave --set out" in result.stderr


def test_patterns_and_lists_name_photos_and_a_missing_one_costs_itself(album, tmp_path, monkeypatch):
    monkeypatch.chdir(album)
    assert "2 colorized" in colorize("**/*.jpg", "-o", tmp_path / "globbed").stdout
    assert "no photo has such a name" in colorize("*.tif").stderr
    listed = colorize("--from-list", "-", "-o", tmp_path / "listed", stdin=b"a.jpg\nold/b.jpg\ngone.jpg\n")
    assert listed.exit_code == 1
    assert "2 colorized, 1 failed (1 cannot be read)" in listed.stdout
    assert sorted(content(tmp_path / "listed")) == ["a.colorized.png", "old/b.colorized.png"]
    (tmp_path / "zeros").write_bytes(b"a.jpg\0old/b.jpg\0")
    assert "2 done already" in colorize("--from-list", tmp_path / "zeros", "-o", tmp_path / "listed").stdout
    assert "names no photo" in colorize("--from-list", "-", stdin=b"\n").stderr
    nothing = colorize()
    assert nothing.exit_code == 2
    assert "No photo is given" in nothing.stderr


def test_resume_looks_at_nothing_that_has_a_result(album, tmp_path):
    out = tmp_path / "out"
    colorize(album / "a.jpg", "-o", out)
    (album / "a.jpg").write_bytes(b"not even read")
    (out / "old").mkdir()
    (out / "old" / "b.colorized.png.part").write_bytes(b"what a kill left")
    assert "1 colorized, 1 there already" in colorize(album, "-o", out, "--resume").stdout
    assert "1 done already, 1 failed (1 no photo that can be read)" in colorize(album, "-o", out).stdout
    refused = colorize(album, "--resume", "--again")
    assert refused.exit_code == 2
    assert "--resume passes over" in refused.stderr


@pytest.mark.slow
def test_every_option_makes_another_result_of_the_same_photo_and_is_done_already_then(album, tmp_path):
    toned = np.asarray(Image.open(album / "a.jpg").convert("L"), float)[..., None] * [0.8, 0.7, 0.5]
    Image.fromarray(toned.astype(np.uint8)[:100, :120]).save(tmp_path / "toned.png")
    given: list[tuple[object, ...]] = [
        (),
        ("--saturation", 1.5),
        ("--upsampling", "bilinear"),
        ("--from-sepia",),
        ("--reference", album / "a.jpg", "--reference-use", "histogram"),
        ("--reference", album / "old" / "b.jpg", "--reference-use", "histogram"),
    ]
    hints = save_hints(tmp_path / "hints.png")
    with Image.open(hints) as image:
        image.crop((0, 0, 120, 100)).save(hints)
    seen = set()
    for options in given:
        command = (tmp_path / "toned.png", "-o", tmp_path / "o.png", "--hints", hints, "--size", 48, *options)
        made = colorize(*command, model="pyramid")
        assert "1 colorized" in made.stdout, made.output
        seen.add((tmp_path / "o.png").read_bytes())
        assert "1 done already" in colorize(*command, model="pyramid").stdout
    assert len(seen) == len(given)
    tiled = colorize(tmp_path / "toned.png", "--tiles", model="pyramid")
    assert tiled.exit_code == 2
    assert "pyramid looks at the whole photo" in tiled.stderr
    assert "1 colorized" in colorize(tmp_path / "toned.png", "--tiles", "--size", 64).stdout
    assert "0 or more" in colorize(album, "--saturation", -1).stderr
    assert "cannot be read" in colorize(album, "--reference", hints.parent).stderr


def test_the_command_and_python_have_the_same_options():
    command = {param.name for param in colorize_command.params} | {"size"}
    python = inspect.signature(zoo.colorize).parameters
    defaults = dict(zip(Manner.__struct_fields__, Manner.__struct_defaults__, strict=True))
    assert set(defaults) <= command & set(python)
    parsed = colorize_command.make_context("colorize", ["photo.jpg", "--with", "gray"]).params
    assert {name: parsed[name] for name in defaults} == defaults
    for name, default in defaults.items():
        assert python[name].default == (None if name == "size" else default), name


def test_a_large_photo_in_a_folder_is_made_like_any_other(album, tmp_path, monkeypatch):
    colorize(album, "-o", tmp_path / "beside")
    monkeypatch.setattr(album_module, "LARGE", 0)
    assert "2 colorized" in colorize(album, "-o", tmp_path / "alone").stdout
    assert content(tmp_path / "alone") == content(tmp_path / "beside")


def test_a_photo_that_cannot_be_brought_to_full_size_costs_itself(album, tmp_path, monkeypatch):
    def fails(rgb, *_):
        if rgb.shape[0] == 20:
            raise MemoryError("no room")
        return rgb

    monkeypatch.setattr(album_module, "finished", fails)
    Image.new("RGB", (20, 20)).save(album / "small.png")
    result = colorize(album, "-o", tmp_path / "out")
    assert "2 colorized, 1 failed (1 its result cannot be made)" in result.stdout
    assert "small.png: bringing it to full size failed (MemoryError: no room)" in result.stderr
