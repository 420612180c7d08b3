from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from zoo.core import photo as reader
from zoo.core.errors import BadInput, ContractError
from zoo.harness.data import fit
from zoo.harness.data.bank import PhotoBank
from zoo.harness.data.build import build_bank
from zoo.harness.data.folder import Folder, Photos


class InMemory:
    """The least a third party's data set can be."""

    def __init__(self, photos: list, mark: str = "0"):
        self.photos, self.mark = photos, mark

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.photos[index]

    def fingerprint(self) -> str:
        return self.mark


def everything(folder: Path) -> PhotoBank:
    return build_bank(Folder("all", argument=folder), side=64)


def test_crop_brings_the_short_side_to_size_and_cuts_the_middle_out(photos: list[np.ndarray]):
    tall, wide = photos[0][:, 64:192], photos[1][64:192]
    bank = build_bank(InMemory([tall, wide]), side=64)
    for photo, size, middle, found in (
        (tall, (64, 128), np.s_[32:96], bank.pixels[0]),
        (wide, (128, 64), np.s_[:, 32:96], bank.pixels[1]),
    ):
        whole = np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))
        # Pillow may change the order of its two passes, each of which rounds; a crop that is one
        # pixel off differs by 16 levels in the mean.
        off = np.abs(found.transpose(1, 2, 0).astype(int) - whole[middle])
        assert off.max() <= 6
        assert off.mean() < 0.5


def test_stretch_ignores_the_aspect(photos: list[np.ndarray]):
    photo = photos[0][:, 40:200]
    expected = Image.fromarray(photo).resize((64, 64), Image.Resampling.LANCZOS)
    bank = build_bank(InMemory([photo]), side=64, fit="stretch")
    np.testing.assert_array_equal(bank.pixels[0], np.asarray(expected).transpose(2, 0, 1))


def test_a_photo_of_the_banks_size_is_kept_bit_for_bit(folder: Path, photos: list[np.ndarray]):
    bank = build_bank(Folder("all", argument=folder), side=256)
    assert bank.names == tuple(f"{i}.png" for i in range(8))
    np.testing.assert_array_equal(bank.pixels.transpose(0, 2, 3, 1), np.stack(photos))


def test_the_second_build_decodes_nothing_and_is_memory_mapped(folder: Path, monkeypatch: pytest.MonkeyPatch):
    first = everything(folder)

    def refuse(data: bytes, name: str) -> np.ndarray:
        raise AssertionError(f"{name} was decoded again")

    monkeypatch.setattr(reader, "open_photo", refuse)
    second = everything(folder)
    assert isinstance(second.pixels, np.memmap)
    assert second.fingerprint == first.fingerprint
    np.testing.assert_array_equal(second.pixels, first.pixels)
    with pytest.raises(AssertionError, match="decoded again"):
        build_bank(Folder("all", argument=folder), side=32)


def test_changed_content_is_decoded_anew(folder: Path):
    before = everything(folder)
    shutil.copy(folder / "1.png", folder / "0.png")
    after = everything(folder)
    assert after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(after.pixels[0], before.pixels[1])


def test_writing_to_the_pixels_does_not_reach_the_cache(folder: Path):
    bank = everything(folder)
    kept = bank.pixels[0].copy()
    bank.tensor()[0] = 0
    np.testing.assert_array_equal(everything(folder).pixels[0], kept)


def test_unusable_photos_are_skipped_with_name_and_reason(folder: Path):
    (folder / "2.png").write_text("text")
    (folder / "5.png").write_bytes((folder / "5.png").read_bytes()[:2000])
    for name, size in (("dot.png", (1, 1)), ("line.png", (1, 5000)), ("row.png", (5000, 1))):
        Image.new("RGB", size, "red").save(folder / name)
    bank = everything(folder)
    assert bank.names == ("0.png", "1.png", "3.png", "4.png", "6.png", "7.png")
    assert bank.pixels.shape == (6, 3, 64, 64)
    reasons = dict(bank.skipped)
    assert set(reasons) == {"2.png", "5.png", "dot.png", "line.png", "row.png"}
    assert "not an image" in reasons["2.png"]
    assert "too small (1×5000" in reasons["line.png"]
    # Row i of the pixels is still photo i of the names.
    alone = build_bank(InMemory([np.asarray(Image.open(folder / "7.png"))]), side=64)
    np.testing.assert_array_equal(bank.pixels[5], alone.pixels[0])


@pytest.mark.parametrize("how", ["crop", "stretch"])
def test_small_and_extreme_photos_are_brought_to_size(how: fit.Fit):
    rng = np.random.default_rng(0)
    shapes = [(16, 16), (16, 20000), (20000, 16), (17, 33)]
    noise = [rng.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]
    assert build_bank(InMemory(noise), side=64, fit=how).pixels.shape == (4, 3, 64, 64)


def test_nothing_usable_is_bad_input_and_leaves_no_bank(folder: Path, cache: Path):
    for file in folder.glob("*.png"):
        file.write_text("text")
    with pytest.raises(BadInput, match=r"None of the 8 photos can be used.*0\.png"):
        everything(folder)
    assert list((cache / "banks").iterdir()) == []


def test_monochrome_photos_are_found_and_can_be_left_out(folder: Path):
    for number in (1, 4):
        Image.open(folder / f"{number}.png").convert("L").save(folder / f"{number}.png")
    bank = everything(folder)
    assert bank.monochrome_names == ("1.png", "4.png")
    colour = bank.colourful_only()
    assert colour.names == ("0.png", "2.png", "3.png", "5.png", "6.png", "7.png")
    assert colour.monochrome == ()
    assert colour.fingerprint != bank.fingerprint
    np.testing.assert_array_equal(colour.pixels[1], bank.pixels[2])
    with pytest.raises(BadInput, match="colour photos"):
        bank.take([1, 4]).colourful_only()


def test_a_third_partys_data_set_needs_only_the_contract(photos: list[np.ndarray]):
    bank = build_bank(InMemory(photos[:3]), side=32)
    assert bank.names == ("0", "1", "2")
    assert bank.labels is None


@pytest.mark.parametrize("wrong", [np.zeros((32, 32), np.uint8), np.zeros((32, 32, 3), np.float32), None])
def test_a_data_set_that_breaks_the_contract_is_named(wrong):
    with pytest.raises(ContractError, match=r"InMemory yields .* at index 0"):
        build_bank(InMemory([wrong]), side=32)


def test_labels_follow_their_photos_past_skipped_ones(tmp_path: Path, photos: list[np.ndarray]):
    for number in range(4):
        file = tmp_path / "c" / f"class{number}" / "x.png"
        file.parent.mkdir(parents=True)
        Image.fromarray(photos[number]).save(file)
    (tmp_path / "c" / "class1" / "x.png").write_text("text")
    bank = build_bank(Folder("all", argument=tmp_path / "c"), side=32)
    assert bank.labels == (0, 2, 3)
    assert bank.take([2]).labels == (3,)


def test_builders_at_the_same_time_agree_and_leave_one_bank(photos: list[np.ndarray], cache: Path):
    with ThreadPoolExecutor(6) as pool:
        banks = list(pool.map(lambda _: build_bank(InMemory(photos), side=48), range(6)))
    assert len({bank.fingerprint for bank in banks}) == 1
    assert len(list((cache / "banks").iterdir())) == 1


def test_a_bank_that_was_cut_short_is_built_again(folder: Path, cache: Path):
    before = everything(folder)
    (place,) = (cache / "banks").iterdir()
    data = (place / "pixels.npy").read_bytes()
    (place / "pixels.npy").unlink()
    (place / "pixels.npy").write_bytes(data[:5000])
    np.testing.assert_array_equal(everything(folder).pixels, before.pixels)


def test_an_unwritable_cache_is_one_sentence(photos: list[np.ndarray], tmp_path: Path, monkeypatch):
    (tmp_path / "taken").write_text("a file where the folder should be")
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "taken"))
    with pytest.raises(BadInput, match="set ZOO_CACHE to another folder"):
        build_bank(InMemory(photos), side=32)


def test_an_unknown_fit_is_refused(photos: list[np.ndarray]):
    with pytest.raises(BadInput, match="crop or stretch"):
        build_bank(InMemory(photos), side=32, fit="pad")  # type: ignore[arg-type]


def test_progress_ends_with_all(folder: Path):
    told: list[tuple[int, int]] = []
    build_bank(Folder("all", argument=folder), side=32, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (8, 8)


def test_the_npy_file_is_a_plain_npy_file(folder: Path, cache: Path):
    (folder / "2.png").write_text("text")
    bank = everything(folder)
    (place,) = (cache / "banks").iterdir()
    np.testing.assert_array_equal(np.load(place / "pixels.npy"), bank.pixels)
    assert os.path.getsize(place / "pixels.npy") == 128 + 7 * 3 * 64 * 64


@pytest.mark.slow
def test_the_embedded_photos_are_all_usable_and_in_colour():
    for split, count in (("train", 224), ("validation", 41), ("test", 105)):
        bank = build_bank(Photos(split), side=32)
        assert (len(bank), bank.skipped, bank.monochrome) == (count, (), ())
        assert bank.tensor().dtype == torch.uint8
