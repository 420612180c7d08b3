"""What a spreadsheet would run stays text, and every text comes back as it was."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.core.files import LONGEST, csv_text, escaped, plain, read_csv

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@given(st.text(alphabet=st.sampled_from([*DANGEROUS, "'", "a", "1", ".", "e", ",", '"', " ", "é"]), max_size=8))
def test_a_text_comes_back_and_is_no_formula(text):
    cell = escaped(text)
    assert plain(cell) == text
    if cell.startswith(DANGEROUS):
        assert float(cell.replace("＋", "x")) == float(text), "only a number may begin like a formula"


@pytest.mark.parametrize("number", ["-1.5", "+3", "-0.0001", "1e5", "-2.5e-07", ".5"])
def test_numbers_stay_numbers(number):
    assert escaped(number) == number


@pytest.mark.parametrize(
    "formula", ["=HYPERLINK(A1)", "+1+cmd|' /C calc'!A0", "-1+1", "@SUM(1)", "\t=1", "-inf", "-1_0", "＝1"]
)
def test_formulas_are_texts(formula):
    assert escaped(formula) == f"'{formula}"


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=6), min_size=2, max_size=2), max_size=4))
@pytest.mark.slow
def test_a_table_comes_back_through_a_file(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("csv") / "table.csv"
    rows = [dict(zip(("image", "=score"), line, strict=True)) for line in lines]
    path.write_bytes(csv_text(("image", "=score"), rows).encode())
    assert read_csv(path) == (["image", "=score"], rows)


def test_a_cell_of_two_million_characters_is_cut_and_any_reader_reads_it():
    text = csv_text(("model", "error"), [{"model": "a", "error": "x" * 2_000_000}])
    (row,) = csv.DictReader(io.StringIO(text))
    assert len(row["error"]) == LONGEST
    assert row["error"].endswith("…")


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1\n", b"a,b\n1,2,3\n", b"a,a\n1,2\n", b"a\n\xff\n", b"a\n" + b"x" * 200_000]
)
def test_what_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "odd.csv").write_bytes(content)
    with pytest.raises(ValueError):
        read_csv(tmp_path / "odd.csv")
