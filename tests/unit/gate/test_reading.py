"""Reading predictions from files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from airflow_sagemaker_mlops.gate import BadPredictions
from airflow_sagemaker_mlops.gate.read_predictions import read_predictions
from airflow_sagemaker_mlops.gate.table import table

HEADER = "id,label,candidate,champion\n"
GOOD = HEADER + "b,0,0.25,0.5\na,1,0.75,0.5\n"


def file_of(folder: Path, text: str | bytes, name: str = "p.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(path: Path, *columns: str, champion: Path | None = None) -> str:
    with pytest.raises(BadPredictions) as error:
        read_predictions(path, columns, champion)
    return str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n") + "\r\n",
        '"id", "label", "candidate", "champion"\n"b", 0, 2.5e-1, .5\n"a", 1, 0.75, 0.50\n',
        "extra,id,champion,label,candidate\nx,b,0.5,False,0.25\ny,a,0.5,True,0.75\n",
        gzip.compress(GOOD.encode(), mtime=0),
    ],
)
def test_the_same_predictions_in_other_spellings_are_the_same(tmp_path: Path, content: str | bytes) -> None:
    read = read_predictions(file_of(tmp_path, content))
    plain = read_predictions(file_of(tmp_path, GOOD, "plain.csv"))
    assert read.fingerprint == plain.fingerprint
    assert read.ids.tolist() == [b"a", b"b"]
    assert (read.label.tolist(), read.candidate.tolist(), read.champion.tolist()) == ([1, 0], [0.75, 0.25], [0.5, 0.5])


def test_parts_of_a_directory_and_parquet_are_read_as_one(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()
    file_of(parts, HEADER + "b,0,0.25,0.5\n", "1.csv")
    file_of(parts, gzip.compress((HEADER + "a,1,0.75,0.5\n").encode()), "2.csv.gz")
    file_of(parts, "", "_SUCCESS")
    assert read_predictions(parts).fingerprint == read_predictions(file_of(tmp_path, GOOD)).fingerprint


def test_parquet_is_read_with_its_nulls_named(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {"id": ["b", "a"], "label": [0, 1], "candidate": [0.25, 0.75], "champion": [0.5, 0.5], "o": ["x", None]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "p.parquet")
    plain = read_predictions(file_of(tmp_path, GOOD))
    assert read_predictions(tmp_path / "p.parquet").fingerprint == plain.fingerprint
    assert "o is missing in 1 of 2 records: record 2" in refused(tmp_path / "p.parquet", "o").replace("line", "record")
    parquet.write_table(pyarrow.table({**columns, "candidate": [None, float("nan")]}), tmp_path / "p.parquet")
    assert "candidate is missing in 1 of 2 records" in refused(tmp_path / "p.parquet")
    assert "candidate is not a number (NaN) in 1 of 2" in refused(tmp_path / "p.parquet")
    parquet.write_table(pyarrow.table({**columns, "candidate": ["0.1", "0.2"]}), tmp_path / "p.parquet")
    assert "candidate has the type string instead of numbers" in refused(tmp_path / "p.parquet")
    (tmp_path / "p.parquet").write_bytes(b"PAR1 and nothing else")
    assert "is not a readable Parquet file" in refused(tmp_path / "p.parquet")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        (HEADER, "has no records"),
        (HEADER + "a,1,nan,0.5\n", "candidate is not a number (NaN) in 1 of 1 records: line 2"),
        (HEADER + "a,1,,0.5\nb,0,,0.5\n", "candidate is missing in 2 of 2 records: line 2, line 3"),
        (HEADER + "a,1,null,0.5\n", "candidate is missing"),
        (HEADER + "a,1,None,0.5\n", "candidate is missing"),
        (HEADER + "a,1,0.5,high\n", 'champion is a text (such as "high")'),
        (HEADER + "a,1,9%,1\nb,0,5%,1\n", 'candidate is a text (such as "9%") in 2 of 2 records: line 2, line 3'),
        (HEADER + "a,1,0.5,1_0\n", 'champion is a text (such as "1_0")'),
        (HEADER + "a,1,0.5,٣\n", "champion is a text"),
        (HEADER + "a,1,0.5,0x10\n", "champion is a text"),
        (HEADER + 'a,1,"0,5",0.5\n', "candidate is a number with a comma"),
        (HEADER + "a,1,inf,0.5\n", "candidate is infinite"),
        (HEADER + "a,1,1e999,0.5\n", "candidate is infinite"),
        (HEADER + f"a,1{'0' * 400},0.1,0.5\n", "label is infinite"),
        (HEADER + "a,1,1e200,0.5\n", "candidate is beyond ±1e+100"),
        (HEADER + "a,yes,0.5,0.5\n", 'label is a text (such as "yes")'),
        (HEADER + "a,1,0.5,0.5\nb,0,0.5,0.5\na,1,0.5,0.5\n", "1 id stands more than once: a (line 2, line 4)"),
        (HEADER + "a,1,0.5,0.5\n,0,0.5,0.5\n", "id is missing in 1 of 2 records: line 3"),
        (HEADER + f"{'i' * 300},1,0.5,0.5\n", "id is longer than 256 bytes"),
        (HEADER + "a,1,0.5\n", "one line has another number of fields than the header (4): line 2 (3)"),
        (HEADER + 'a,1,"0.5,0.5\n', "Is a quote or a comma missing?"),
        (HEADER.replace(",", ";") + "a;1;0.5;0.5\n", "separates its columns by semicolons"),
        (HEADER.replace(",", "\t") + "a\t1\t0.5\t0.5\n", "separates its columns by tabs"),
        ("id,label,score\na,1,0.5\n", 'has no column "candidate"'),
        ("id,Label,candidate,champion\na,1,0.5,1\n", 'no column "label" (did you mean "Label"?)'),
        ("id,label,candidate,champion,label\na,1,0.5,1,1\n", "two columns called label"),
        ("ID,label,candidat\na,1,0.5\n", '"id" (did you mean "ID"?), "candidate" (did you mean "candidat"?)'),
        (HEADER + "a,1,0.5,\0\n", "null byte"),
        (GOOD.encode("utf-16"), "is UTF-16"),
        (HEADER.encode() + b"\xe4,1,0.5,0.5\n", "is not UTF-8"),
        (b"PK\x03\x04rest", "zip archive or a workbook"),
        (gzip.compress(GOOD.encode() * 50, mtime=0)[:-12], "damaged gzip file"),
        (b"\x1f\x8bno gzip", "damaged gzip file"),
        (HEADER + "a" * 1_100_000, "more than 1,000,000 bytes"),
    ],
)
def test_a_file_that_cannot_be_judged_is_refused_with_its_lines(
    tmp_path: Path, content: str | bytes, says: str
) -> None:
    assert says in refused(file_of(tmp_path, content))


def test_a_score_of_less_precision_is_the_number_that_a_csv_file_has(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    score = np.array([0.7, 0.1, 1e-7, 16777217.0], dtype=np.float32)
    frame = pandas.DataFrame({"id": range(4), "label": [0, 1, 0, 1], "candidate": score, "champion": score[::-1]})
    frame.to_parquet(tmp_path / "p.parquet")
    frame.to_csv(tmp_path / "p.csv", index=False)
    read = [read_predictions(tmp_path / name) for name in ("p.parquet", "p.csv")]
    read.append(table(frame["label"], frame["candidate"], frame["champion"], frame["id"]))
    assert [one.candidate.tolist() for one in read] == [[0.7, 0.1, 1e-7, 16777216.0]] * 3
    assert [one.champion.tolist() for one in read] == [[16777216.0, 1e-7, 0.1, 0.7]] * 3
    half = table([0, 1], score[:2].astype(np.float16))
    assert sorted(half.candidate.tolist()) == [0.1, 0.7]


def test_all_that_is_wrong_comes_at_once(tmp_path: Path) -> None:
    said = refused(file_of(tmp_path, HEADER + "a,1,nan,\n" * 9))
    assert len(said.splitlines()) == 2
    assert "line 2, line 3, line 4, line 5, line 6 and 4 more" in said


def test_two_files_are_joined_by_id_whatever_their_order(tmp_path: Path) -> None:
    mine = file_of(tmp_path, "id,label,score\n2,0,0.25\n1,1,0.75\n", "mine.csv")
    other = file_of(tmp_path, "label,id,champion\n1,1,0.5\n0,2,0.4\n", "other.csv")
    read = read_predictions(mine, (), other)
    assert (read.ids.tolist(), read.candidate.tolist(), read.champion.tolist()) == ([1, 2], [0.75, 0.25], [0.5, 0.4])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("1,1,0.5\n", "1 id of the candidate's predictions is missing in the champion's: 2"),
        ("1,1,0.5\n2,0,0.1\n3,0,0.1\nx,0,0.1\n", "2 ids of the champion's predictions are missing in the candidate's"),
        ("1,1,0.5\n2,1,0.4\n", "the label differs .* for 1 id: 2 (0 and 1)"),
    ],
)
def test_two_files_about_other_records_are_refused_by_id(tmp_path: Path, rows: str, says: str) -> None:
    mine = file_of(tmp_path, "id,label,score\n2,0,0.25\n1,1,0.75\n", "mine.csv")
    other = file_of(tmp_path, "id,label,score\n" + rows, "other.csv")
    said = refused(mine, champion=other)
    assert all(part in said for part in says.split(" .* "))


def test_missing_files_and_folders_without_predictions_are_named(tmp_path: Path) -> None:
    assert "there is no file" in refused(tmp_path / "nothing.csv")
    assert "has no predictions" in refused(tmp_path)
    file_of(tmp_path, "x", "notes.txt")
    assert "has more than CSV and Parquet files: notes.txt" in refused(tmp_path)


def test_a_missing_slice_value_is_refused(tmp_path: Path) -> None:
    path = file_of(tmp_path, "id,label,candidate,champion,origin\na,1,0.5,0.4,JFK\nb,0,0.1,0.2,\n")
    assert "origin is missing in 1 of 2 records: line 3" in refused(path, "origin")
    assert 'has no column "orign" (did you mean "origin"?)' in refused(path, "orign")


def test_negative_zero_and_huge_whole_numbers_are_what_they_are() -> None:
    made = table([0, 1], [-0.0, 0.5], ids=["9" * 30, "9" * 31])
    assert np.signbit(made.candidate).sum() == 0
    assert made.ids.tolist() == [b"9" * 30, b"9" * 31]


def test_arrays_are_refused_like_files() -> None:
    with pytest.raises(BadPredictions, match=r"candidate is missing in 1 of 2 records: row 1"):
        table([0, 1], [0.5, None])
    with pytest.raises(BadPredictions, match=r"candidate is not a number in 1 of 2 records: row 1"):
        table([0, 1], [0.5, "high"])
    with pytest.raises(BadPredictions, match=r"differ in length: label 2, candidate 3"):
        table([0, 1], [0.5, 0.1, 0.2])
    with pytest.raises(BadPredictions, match=r"candidate is not a number .* row 1"):
        table([0, 1], np.ma.masked_array([5, 6], [False, True]))
    with pytest.raises(BadPredictions, match="no records"):
        table([], [])
    with pytest.raises(BadPredictions, match="1 id stands more than once: 7"):
        table([0, 1], [0.5, 0.1], ids=[7, 7])
    with pytest.raises(BadPredictions, match="2 dimensions"):
        table([0, 1], [[0.5, 0.1], [0.2, 0.1]])


@pytest.mark.parametrize("size", [1, 40, 200, 4_000_000])
@pytest.mark.parametrize("quoted", [0, 7, 19])
def test_lines_are_counted_alike_by_blocks_and_by_the_reader_of_quotes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, quoted: int
) -> None:
    monkeypatch.setattr("airflow_sagemaker_mlops.gate.read_csv.BLOCK", size)
    rows = [f"id{index},{index % 2},0.{index + 10},0.5" for index in range(20)]
    rows[quoted] = f'"id{quoted}",{quoted % 2},"0.{quoted + 10}",0.5'
    read = read_predictions(file_of(tmp_path, HEADER + "\n".join(rows)))
    assert sorted(read.candidate.tolist()) == [(index + 10) / 100 for index in range(20)]
    rows[18] = "id18,0,nan,0.5"
    assert "NaN) in 1 of 20 records: line 20." in refused(file_of(tmp_path, HEADER + "\r\n".join(rows)))
    rows[18] = "id18,0"
    assert "than the header (4): line 20 (2)." in refused(file_of(tmp_path, HEADER + "\n".join(rows)))
    rows[18] = "id\xe4,0,0.1,0.2"
    content = (HEADER + "\n".join(rows)).encode("latin-1")
    assert "is not UTF-8: line 20 has the byte 0xe4" in refused(file_of(tmp_path, content))
