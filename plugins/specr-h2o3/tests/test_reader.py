"""What a MOJO tells at plan."""

import io
import random
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from specr_h2o3.reader import MojoReader

from specr.readers.catalog import reader_for
from specr.readers.protocol import ArtifactFacts

MakeMojo = Callable[..., Path]


def columns(facts: ArtifactFacts) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    assert facts.schema is not None, facts.diagnostics
    sides = facts.schema.input, facts.schema.output
    inputs, outputs = ([(column.name, column.type.value) for column in side] for side in sides)
    return inputs, outputs


def read(path: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    return columns(MojoReader().read(path))


def refusal(path: Path) -> str:
    facts = MojoReader().read(path)
    (diagnostic,) = facts.diagnostics
    assert facts.schema is None
    assert diagnostic.is_error
    assert diagnostic.remedy
    return diagnostic.detail


def test_it_is_found_by_its_entry_point() -> None:
    assert isinstance(reader_for("h2o3/mojo"), MojoReader)


def test_lines_without_end_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "lines.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.ini", "[info]\n" + "a\n" * 400_000)
    assert refusal(path) == "The artifact can't be served: its model.ini has more than 300,000 lines."


def test_columns_have_the_types_that_training_gave_them(make_mojo: MakeMojo) -> None:
    assert read(make_mojo()) == (
        [("age", "Float64"), ("city", "String"), ("when", "Time64")],
        [("predict", "String"), ("no", "Float64"), ("yes", "Float64")],
    )


def test_metadata_is_the_models_own(make_mojo: MakeMojo) -> None:
    metadata = MojoReader().read(make_mojo()).metadata
    assert metadata == {
        "h2o_version": "3.46.0.11",
        "mojo_version": "1.40",
        "algo": "gbm",
        "algorithm": "Gradient Boosting Machine",
        "category": "Binomial",
        "uuid": "7",
    }


def test_whole_numbers_as_classes_get_a_letter_as_in_h2o(make_mojo: MakeMojo) -> None:
    levels = ["0", "-1", "1.0", "99999999999"]
    path = make_mojo({"category": "Multinomial", "n_classes": "4"}, levels={3: levels})
    assert [name for name, _ in read(path)[1]] == ["predict", "p0", "p-1", "1.0", "99999999999"]


def test_calibrated_probabilities_are_columns(make_mojo: MakeMojo) -> None:
    outputs = read(make_mojo({"calib_method": "platt"}))[1]
    assert [name for name, _ in outputs] == ["predict", "no", "yes", "cal_no", "cal_yes"]


def test_a_response_that_is_a_number_of_two_values_has_two_classes(make_mojo: MakeMojo) -> None:
    assert [name for name, _ in read(make_mojo(levels={1: ["a"]}))[1]] == ["predict", "p0", "p1"]


@pytest.mark.parametrize(
    ("info", "outputs"),
    [
        ({"category": "Regression", "n_classes": "1"}, [("predict", "Float64")]),
        ({"category": "Clustering", "algo": "kmeans"}, [("cluster", "Int32")]),
        (
            {"category": "AnomalyDetection", "algo": "isolationforest"},
            [("predict", "Float64"), ("mean_length", "Float64")],
        ),
        (
            {"category": "AnomalyDetection", "algo": "isolationforest", "output_anomaly_flag": "true"},
            [("predict", "Int32"), ("score", "Float64"), ("mean_length", "Float64")],
        ),
        (
            {"category": "AnomalyDetection", "algo": "extendedisolationforest"},
            [("anomaly_score", "Float64"), ("mean_length", "Float64")],
        ),
        ({"category": "DimReduction", "algo": "pca", "k": "2"}, [("PC1", "Float64"), ("PC2", "Float64")]),
    ],
)
def test_each_category_has_its_outputs(
    make_mojo: MakeMojo, info: dict[str, str], outputs: list[tuple[str, str]]
) -> None:
    assert read(make_mojo(info))[1] == outputs


def test_an_auto_encoder_gives_every_level_and_number(make_mojo: MakeMojo) -> None:
    path = make_mojo(
        {"category": "AutoEncoder", "algo": "deeplearning", "supervised": "false", "n_features": "4"}
    )
    inputs, outputs = read(path)
    assert [name for name, _ in inputs] == ["age", "city", "when", "grade"]
    assert [name for name, _ in outputs] == [
        "reconstr_age",
        "reconstr_city.Oslo",
        "reconstr_city.New York, NY",
        "reconstr_city.missing(NA)",
        "reconstr_when",
        "reconstr_grade.no",
        "reconstr_grade.yes",
        "reconstr_grade.missing(NA)",
    ]


def test_words_become_vectors(make_mojo: MakeMojo) -> None:
    info = {
        "category": "WordEmbedding",
        "algo": "word2vec",
        "vec_size": "2",
        "supervised": "false",
        "n_features": "1",
    }
    inputs, outputs = read(make_mojo(info, columns=["C1"], levels={}, kinds=["String"]))
    assert (inputs, [name for name, _ in outputs]) == ([("C1", "String")], ["C1", "C2"])


def test_an_offset_is_asked_for_and_a_weight_is_not(make_mojo: MakeMojo) -> None:
    path = make_mojo(
        {"category": "Regression", "offset_column": "off"},
        columns=["age", "city", "when", "weight", "off", "loss"],
        kinds=["Numeric", "Enum", "Time", "Numeric", "Numeric", "Numeric"],
        levels={1: ["Oslo"]},
    )
    assert read(path)[0] == [("age", "Float64"), ("city", "String"), ("when", "Time64"), ("off", "Float64")]


def test_columns_that_training_encoded_are_asked_for_as_they_were(make_mojo: MakeMojo) -> None:
    path = make_mojo(
        {
            "category": "Regression",
            "n_features": "4",
            "_genmodel_encoding": "OneHotExplicit",
            "_n_orig_names": "5",
            "_m_orig_domain_values_1": "2",
            "_m_orig_domain_values_2": "7",
        },
        columns=["age", "when", "city.Oslo", "city.missing(NA)", "loss"],
        kinds=["Numeric", "Time", "Numeric", "Numeric", "Numeric"],
        levels={},
        files={"_orig_names": b"age\ncity\nfold\nwhen\nloss\n"},
    )
    assert read(path)[0] == [("age", "Float64"), ("city", "String"), ("when", "Time64")]


@pytest.mark.parametrize(
    "details", [None, b"{", b"[]", b'{"output": {"names": ["age"], "column_types": []}}']
)
def test_without_details_times_are_numbers(make_mojo: MakeMojo, details: bytes | None) -> None:
    path = make_mojo(files={"experimental/modelDetails.json": details})
    assert read(path)[0] == [("age", "Float64"), ("city", "String"), ("when", "Float64")]


def test_line_breaks_in_classes_are_what_they_were(make_mojo: MakeMojo) -> None:
    path = make_mojo(levels={3: ["a\nb", "a\\nb"]})
    assert [name for name, _ in read(path)[1]] == ["predict", "a\nb", "a\\nb"]


def test_older_mojos_escape_nothing(make_mojo: MakeMojo) -> None:
    path = make_mojo(
        {"escape_domain_values": "null"}, levels={3: ["x", "y"]}, files={"domains/d000.txt": b"a\\nb\nc\n"}
    )
    assert [name for name, _ in read(path)[1]] == ["predict", "a\\nb", "c"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"info": {"category": "TargetEncoder"}},
            "category TargetEncoder, which is not served; served are Regression",
        ),
        (
            {"info": {"category": "Regression", "algo": "gam"}},
            "algorithm gam, which is not served: its MOJO does not",
        ),
        (
            {"info": {"category": "DimReduction", "algo": "glrm"}},
            "glrm, which is not served: it draws random numbers",
        ),
        ({"info": {"n_columns": "5"}}, "announces 5 columns and names 4"),
        ({"info": {"n_features": "9"}}, "announces 9 features and names 4"),
        ({"info": {"n_features": "many"}}, "n_features = 'many', which should be a whole number"),
        ({"info": {"n_classes": "3"}}, "announces 3 classes and lists 2"),
        ({"info": {"category": ""}}, "does not say what its category is"),
        ({"columns": ["age", "#age", "when", "grade"]}, "announces 4 columns and names 3"),
        ({"columns": ["age", "age", "when", "grade"]}, "two of its input columns are named 'age'"),
        ({"columns": ["a\x07ge", "b", "when", "grade"]}, "named 'a\\x07ge', with a control character in it"),
        ({"columns": ["age", "b\x85", "when", "grade"]}, "Rename the column and train again"),
        ({"levels": {3: ["x", "\x1b[31mred"]}}, "named '\\x1b[31mred', with a control character in it"),
        ({"levels": {3: ["predict", "x"]}}, "two of its output columns are named 'predict'"),
        ({"files": {"domains/d001.txt": b"no\n"}}, "lists 1 levels, and model.ini announces 2"),
        ({"files": {"domains/d001.txt": None}}, "there is no domains/d001.txt in it"),
        ({"files": {"domains/d001.txt": b"\xff\nyes\n"}}, "domains/d001.txt is not UTF-8"),
        ({"files": {"model.ini": None}}, "there is no model.ini in it; it holds domains/d000.txt"),
        ({"files": {"model.ini": b"[domains]\n1 2 x\n"}}, "no list of levels: '1 2 x'"),
        ({"files": {"model.ini": b"\xff\n"}}, "model.ini is not UTF-8"),
    ],
)
def test_what_cant_be_served_is_told(make_mojo: MakeMojo, changes: dict[str, object], words: str) -> None:
    assert words in refusal(make_mojo(**changes))


def test_other_content_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no zip")
    assert "it is no zip" in refusal(tmp_path / "notes.txt")
    assert "it is a folder" in refusal(tmp_path)
    assert "can't be read" in refusal(tmp_path / "nothing")


def test_names_that_lead_out_or_occur_twice_are_refused(tmp_path: Path) -> None:
    for name in ("../model.ini", "/model.ini", "a\\..\\b"):
        path = tmp_path / "out.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, b"x")
        assert "leads out of it" in refusal(path)
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        archive.writestr("model.ini", b"x")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("model.ini", b"y")
    assert "occurs twice" in refusal(tmp_path / "twice.zip")


def test_a_bomb_is_refused_before_it_is_unpacked(
    make_mojo: MakeMojo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("specr_h2o3.mojo._INI_LIMIT", 1 << 20)
    assert "has more than 1,048,576 bytes" in refusal(make_mojo(files={"model.ini": b"x" * (2 << 20)}))
    monkeypatch.setattr("specr_h2o3.mojo._LEVELS_LIMIT", 1000)
    assert "has more than 1,000 bytes" in refusal(make_mojo(files={"domains/d001.txt": b"x" * 2000}))


def test_long_lines_that_nobody_reads_cost_nothing(make_mojo: MakeMojo) -> None:
    weights = "0.5, " * 400_000
    assert read(make_mojo({"weight_layer0": f"[{weights}]"}))[0]


def test_a_directory_of_impossible_size_is_refused(make_mojo: MakeMojo) -> None:
    path = make_mojo()
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    data[end + 12 : end + 16] = struct.pack("<I", 1 << 30)
    path.write_bytes(bytes(data) + b"")
    assert "can't be served" in refusal(path)


def test_too_many_files_are_refused(make_mojo: MakeMojo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("specr_processor.zips._ENTRIES_LIMIT", 3)
    assert "holds more than 3 files" in refusal(make_mojo())


def test_damage_of_any_kind_gives_diagnostics(make_mojo: MakeMojo) -> None:
    whole = make_mojo().read_bytes()
    chance = random.Random(1)
    path = make_mojo()
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 2, 8])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data[: chance.choice([len(data), chance.randrange(len(data))])])
        MojoReader().read(path)


def test_an_encrypted_file_is_refused(make_mojo: MakeMojo) -> None:
    path = make_mojo()
    data = bytearray(path.read_bytes())
    entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    start = zipfile.ZipFile(io.BytesIO(data)).start_dir
    assert entries[0].filename == "model.ini"
    data[start + 8] |= 1
    path.write_bytes(data)
    assert "model.ini is encrypted" in refusal(path)
