"""What may happen to the bytes of a good file, and names that nobody should have given."""

from __future__ import annotations

from hypothesis import strategies as st

from zoo.core.errors import ZooError


@st.composite
def damaged(draw: st.DrawFn, whole: bytes, *, most: int = 4) -> bytes:
    """``whole`` after some accidents: cut, overwritten, added to, a piece taken out or repeated."""
    content = bytearray(whole)
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, len(content)))
        end = min(at + draw(st.integers(1, 40)), len(content))
        match draw(st.sampled_from(("cut", "overwrite", "insert", "remove", "repeat"))):
            case "cut":
                del content[at:]
            case "overwrite":
                new = draw(st.binary(min_size=1, max_size=8))
                content[at : at + len(new)] = new
            case "insert":
                content[at:at] = draw(st.binary(min_size=1, max_size=8))
            case "remove":
                del content[at:end]
            case "repeat":
                content[at:at] = content[at:end]
    return bytes(content)


_PIECES = (
    *("..", "../", "/", "/etc/passwd", "\\", "~", "~nobody", "\0", "\n", "\r\n", "\t", " ", "-", "--", "-h", "@", "%"),
    *("a" * 300, "😀", "é", "\ud800", "\udcff", "\x1b[31m", "\u202e", "*", "?", "[", "[!", "]", "{", "}", "'", '"'),
    *("unet", "gray", "models/", "encoders/", "suites/", "recipes/", "results", ".yaml", "=", ",", ":", "#", "&a", "|"),
    *("nan", "inf", "1e999", "-1", "9" * 5000, "steps", "width", "true", "null", "!!python/name:os.system", "$HOME"),
)

names = st.one_of(
    st.lists(st.sampled_from(_PIECES), min_size=1, max_size=5).map("".join),
    st.text(st.characters(), max_size=40),
    st.text(st.characters(), min_size=250, max_size=350),
)
"""Names and values with everything that a shell, a file system or a terminal may trip over."""

encoded = names.map(lambda text: text.encode("utf-8", "surrogatepass"))

files = st.one_of(st.binary(max_size=200), encoded)
"""Bytes that are no file of ours."""


def one_sentence(error: ZooError) -> None:
    """What a user reads is one line, and says something."""
    assert len(str(error).splitlines()) == 1
    assert len(str(error)) > 20
