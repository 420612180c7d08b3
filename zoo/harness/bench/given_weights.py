"""Weights from a file in the place of training: a published original, or a run of one's own."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput
from zoo.core.tensors import read_tensors


def weights_digest(path: Path) -> str:
    """The first twelve hex digits of the file's SHA-256.

    Raises:
        BadInput: there is no such file.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:12]
    except OSError as error:
        raise BadInput(f"--weights {path} cannot be read: {error.strerror or error}.") from None


def load_given(colorizer: Colorizer, path: Path) -> None:
    """Load a network's weights from ``path``, in our layout or that of its public original.

    A network that can take its original's state dict has a static ``from_published(state, hint_gain=...)``: the
    original reads the hints as they are, ours multiplied by the colorizer's gain. Published files are often
    pickles; of those only tensors are read (``weights_only=True``), no code is run.

    Raises:
        BadInput: not a file of tensors, or the tensors of another network.
    """
    network = colorizer.network
    state = read_tensors(path)
    convert = getattr(network, "from_published", None)
    if convert is not None and state.keys() != network.state_dict().keys():
        state = convert(state, hint_gain=colorizer.hint_gain)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"{path} does not fit the model ({reason}); set the options it was trained with.") from None
