"""``folder:PATH``: every photo in a tree of folders; and ``photos``, those that come with the package
(``photos/CREDITS.csv`` names them).
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from zoo.core.errors import BadInput, Changed
from zoo.core.files import read_csv
from zoo.core.photo_files import find_photos, is_photo, suffix_list
from zoo.harness.data.build import content_digest, content_digests, for_validation, held_out, unreadable_digest

if TYPE_CHECKING:  # photos are read where a bank is made, not where one is opened
    from zoo.core.photo import Photo


class Folder:
    """The photos under a folder, in the order of their names.

    ``train/``, ``validation/`` and ``test/`` directly below it are the splits when ``train/`` and one of the others
    are there; else about a fifth of the photos, chosen by content, is the test split (identical files fall on one
    side). Without ``validation/`` about a tenth of the training photos, chosen by content too, is kept for validation;
    of fewer than four none is, and that split is empty. ``split="all"`` is the whole tree, and with ``whole`` a tree
    without those folders has no test photos held out: it is all there is for the test, or for training and validation.
    What counts as a photo, and which folders are walked, is said in :mod:`zoo.core.photo_files`.

    Args:
        split: ``train``, ``validation``, ``test`` or ``all``.
        argument: the folder's path; ``~`` is the home folder.
        whole: hold nothing out; for when the test photos, or those to train on, come from another source.

    Attributes:
        names: the path of each photo below the folder, with ``/``.
        labels: the class of each photo when every photo lies in a sub-folder (below the folders of the
            splits) and there are at least two of them, numbered alike in all splits; else None.

    Raises:
        BadInput: no such folder, an empty one, one without photos, or a split without photos.
    """

    splits = ("train", "validation", "test")

    def __init__(self, split: str, *, argument: str | Path, whole: bool = False):
        if split not in (*self.splits, "all"):
            raise BadInput(f"Unknown split {split!r}; use {', '.join(self.splits)} or all.")
        if not str(argument):
            raise BadInput("The source 'folder:' names no folder; write folder:PATH.")
        try:
            root = Path(argument).expanduser()
        except RuntimeError as error:
            raise BadInput(f"{argument}: {str(error).rstrip('.')}; write the whole path.") from None
        _check_folder(root)
        folders = tuple(name for name in self.splits if (root / name).is_dir())
        if "train" not in folders or len(folders) < 2:
            folders = ()
        parts = {below: find_photos(root / below) for below in folders or (".",)}
        files = [photo for part in parts.values() for photo in part.photos]
        of_split = [part for below, part in parts.items() if split == "all" or below in (split, ".")]
        told = [remark for part in of_split for remark in part.remarks]
        self.notes = (*told, *(_beside(root, folders) if folders else ()))
        if not files:
            raise BadInput(" ".join((f"{root}: holds no photo ({suffix_list()}); check the path.", *self.notes)))

        chosen, digests = _side(root, files, split, folders, whole=whole)
        if not chosen and (split != "validation" or split in folders):
            where = f"{root / split}: holds no photo" if folders else f"{root}: has too few photos for a split"
            raise BadInput(f"{where}; add some, or make the folders train and test in {root}.")
        self.split = split
        self._root = root
        self._files = chosen
        self._digests = digests
        self.names = _names(root, chosen)
        self.labels = _labels(root, files, chosen, depth=1 if folders else 0)

    @staticmethod
    def canonical(argument: str) -> str:
        """The folder's absolute path, without following links: it means the same from every working directory."""
        try:
            return str(Path(argument).expanduser().absolute()) if argument else argument
        except (RuntimeError, OSError):
            return argument  # opening it says what is wrong

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> np.ndarray:
        """Photo ``index`` as uint8 (H, W, 3). Raises as :meth:`photo`."""
        return self.photo(index).rgb

    def photo(self, index: int) -> Photo:
        """Photo ``index`` with what is to be said of it.

        Raises:
            BadInput: its file is damaged.
            Changed: its file is not the one that was there when the folder was opened.
        """
        from zoo.core.photo import open_photo

        file = self._files[index]
        try:
            data = file.read_bytes()
        except OSError as error:
            if self._digests[index] != unreadable_digest(self._root, file):
                raise Changed(f"{file} was removed while it was in use; run the command again.") from error
            return open_photo(file)  # says why it cannot be read
        if content_digest(data) != self._digests[index]:
            raise Changed(f"{file} was replaced while it was in use; run the command again.")
        return open_photo(data, name=str(file))

    def pixels(self, index: int) -> int:
        """How many pixels photo ``index`` unfolds to, from its header; 0 where that cannot be read."""
        from zoo.core.photo import photo_size

        try:
            width, height = photo_size(self._files[index])
        except BadInput:
            return 0
        return width * height

    def fingerprint(self) -> str:
        """SHA-256 over the names, contents and labels, in order."""
        total = hashlib.sha256()
        for index, (name, digest) in enumerate(zip(self.names, self._digests, strict=True)):
            label = self.labels[index] if self.labels else -1
            total.update(f"{name}\0{digest}\0{label}\n".encode())
        return total.hexdigest()


def _check_folder(root: Path) -> None:
    try:
        if not root.exists():
            raise BadInput(f"{root}: there is no such folder; check the path.")
        if not root.is_dir():
            raise BadInput(f"{root}: is a file; a folder of photos is expected.")
        empty = not any(root.iterdir())
    except OSError as error:
        raise BadInput(f"{root}: cannot be read ({error.strerror}); check its permissions.") from error
    if empty:
        raise BadInput(f"{root}: is empty; put photos ({suffix_list()}) into it.")


def _beside(root: Path, folders: tuple[str, ...]) -> tuple[str, ...]:
    """What lies beside the folders of the splits and may have been meant."""
    others = [path for path in root.iterdir() if path.name not in folders and not path.name.startswith(".")]
    names = sorted(
        f"{_shown(Path(path.name))}/" if path.is_dir() else _shown(Path(path.name))
        for path in others
        if path.is_dir() or is_photo(path)
    )
    if not names:
        return ()
    listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    verb = "is" if len(names) == 1 else "are"
    split_by = " and ".join(filter(None, (", ".join(folders[:-1]), folders[-1])))
    return (f"{root} is split by its folders {split_by}; {listed} beside them {verb} not read.",)


def _side(
    root: Path, files: list[Path], split: str, folders: tuple[str, ...], *, whole: bool
) -> tuple[list[Path], list[str]]:
    """The files of one split and their content digests."""
    if folders and split != "all":
        side = "train" if split == "validation" and split not in folders else split
        files = [file for file in files if file.relative_to(root).parts[0] == side]
    found = list(zip(files, content_digests(root, files), strict=True))
    if split != "all" and not folders and not whole:
        test = held_out(digest for _, digest in found)
        found = [(file, digest) for file, digest in found if (digest in test) == (split == "test")]
    if split in ("train", "validation") and "validation" not in folders:
        kept = for_validation(digest for _, digest in found)
        found = [(file, digest) for file, digest in found if (digest in kept) == (split == "validation")]
    return [file for file, _ in found], [digest for _, digest in found]


def _labels(root: Path, files: list[Path], chosen: list[Path], depth: int) -> list[int] | None:
    parts = [file.relative_to(root).parts for file in files]
    if any(len(path) < depth + 2 for path in parts):
        return None
    classes = {name: number for number, name in enumerate(sorted({path[depth] for path in parts}))}
    if len(classes) < 2:
        return None
    return [classes[file.relative_to(root).parts[depth]] for file in chosen]


def _names(root: Path, files: list[Path]) -> list[str]:
    """Accents are composed (NFC), so that photos copied from macOS keep their names, unless two become one."""
    shown = [_shown(file.relative_to(root)) for file in files]
    composed = [unicodedata.normalize("NFC", name) for name in shown]
    twice = Counter(composed)
    return [name if twice[name] == 1 else raw for name, raw in zip(composed, shown, strict=True)]


def _shown(path: Path) -> str:
    """A name that any file can hold: bytes that are no UTF-8 are written as escapes."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


FOLDER = Path(__file__).resolve().parent / "photos"


class Credit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose an embedded photo is: a row of CREDITS.csv.

    Attributes:
        file: its path in the folder.
        photo_id, subject: the photograph it was cut from, and what that shows; neither is on two sides of the split.
        package, package_version, path_in_package: where the photograph was found, in Debian.
        source: the page of the original.
    """

    file: str
    split: str
    photo_id: str
    subject: str
    title: str
    author: str
    licence: str
    package: str
    package_version: str
    path_in_package: str
    sha256: str
    source: str


def read_credits() -> list[Credit]:
    """Every embedded photo's."""
    return msgspec.convert(read_csv(FOLDER / "CREDITS.csv")[1], list[Credit])


class Photos(Folder):
    """224 photos to train on, 41 for validation, 105 to test, of 256×256, split by original, free licences.

    Args:
        split: ``train``, ``validation``, ``test`` or ``all``.

    Attributes:
        originals: the photograph that each photo was cut from.
    """

    def __init__(self, split: str):
        super().__init__(split, argument=FOLDER)
        cut_from = {credit.file: credit.photo_id for credit in read_credits()}
        self.originals = [cut_from[name] for name in self.names]
