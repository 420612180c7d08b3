"""A network's weights from a file that comes from elsewhere: in our layout, or in that of its public original."""

from __future__ import annotations

import inspect

from zoo.core.colorizer import Colorizer
from zoo.core.errors import BadInput, ZooError
from zoo.core.published import GivenWeights, unknown_file_note, weights_sha256
from zoo.core.spec import ModelSpec
from zoo.core.state_dict import Layout, differences, layout_of
from zoo.core.tensors import read_state


def load_given(colorizer: Colorizer, weights: GivenWeights, spec: ModelSpec) -> tuple[str, ...]:
    """Load a network's weights from a file in our layout or in that of its public original.

    A network that can take its original's state dict has a static ``from_published(state, *, hint_gain, …)``: the
    original reads the hints as they are, ours multiplied by the colorizer's gain. Options of the network that it
    names besides are passed on. With a static ``published_shapes()`` (name → shape) wrapped checkpoints of the
    original are unwrapped too. Of pickles only tensors are read, no code is run.

    Args:
        weights: from :func:`zoo.core.published.given_weights`; the file's digest must still be the one found then.
        spec: what the colorizer was assembled from.

    Returns:
        Notes: where the weights are from, what was unwrapped, and what is not sure.

    Raises:
        BadInput: not a file of tensors, the tensors of another network, or another file by now.
    """
    path = weights.file
    if weights_sha256(path) != weights.sha256:
        raise BadInput(f"{path} is another file by now than the one begun with; run it again.")
    network = colorizer.network
    options = spec.parts["network"].options if "network" in spec.parts else {}
    own = layout_of(network, "the zoo's own layout")
    layouts = [own]
    convert = getattr(network, "from_published", None)
    shapes = getattr(network, "published_shapes", None)
    if convert is not None and shapes is not None:
        layouts.append(Layout(shapes(), name="its original's layout"))
    # A network that says only how to convert, not what: any state dict, and its converter judges.
    read = read_state(path, layouts if convert is None or shapes is not None else (), what=repr(colorizer.name))
    state, notes = read.tensors, [*weights.notes, *read.notes]
    if convert is not None and (read.layout is not own if read.layout else state.keys() != own.shapes.keys()):
        named = inspect.signature(convert).parameters
        taken = {key: value for key, value in options.items() if key in named}
        try:
            state = convert(state, hint_gain=colorizer.hint_gain, **taken)
        except ZooError:
            raise
        except Exception as error:  # a stranger's converter that met what it does not know
            raise BadInput(
                f"{path} is not in the layout of {colorizer.name!r} nor of its original "
                f"({type(error).__name__}: {error}); give its own weights."
            ) from error
        if not weights.published and (note := unknown_file_note(colorizer.name, options)):
            notes.append(note)
    odd = differences(state, own)
    if odd:
        raise BadInput(f"{path} does not fit {colorizer.name!r}: {odd}; set the options it was trained with.")
    network.load_state_dict(state)
    return tuple(notes)
