"""Pickles wherever they lie in a model, and files that are none."""

import bz2
import gzip
import io
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specr_processor import Limits
from specr_processor.pickles import Doubt, Global, Search

joblib = pytest.importorskip("joblib")
np = pytest.importorskip("numpy")


class Bomb:
    """Runs a command when it is unpickled, and says so in a file."""

    def __reduce__(self) -> Any:
        return os.system, ("touch exploded",)


BOMB = pickle.dumps(Bomb())


def search(path: Path, limits: Limits | None = None) -> Search:
    found = Search(path.parent, limits or Limits())
    found.file(path, path.name)
    return found


def globals_of(path: Path) -> set[str]:
    found = search(path).sightings
    assert not [sighting for sighting in found if isinstance(sighting.what, Doubt)], found
    return {f"{s.what.module}.{s.what.name}" for s in found if isinstance(s.what, Global)}


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def saved(save: Callable[..., Any], *values: Any, **named: Any) -> bytes:
    buffer = io.BytesIO()
    save(buffer, *values, **named)
    return buffer.getvalue()


def dumped(value: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(value, buffer, **options)
    return buffer.getvalue()


ARRAYS = [np.arange(5.0), np.array(["a", "bc"]), np.array([(1, 2.5)], dtype=[("x", "i4"), ("y", "f8")])]
TORCH = {"archive/data.pkl": BOMB, "archive/data/0": os.urandom(64), "archive/version": b"3\n"}
HIDDEN = {
    "plain": BOMB,
    "protocol 0": pickle.dumps(Bomb(), 0),
    "protocol 1": pickle.dumps(Bomb(), 1),
    "after another": pickle.dumps([1]) + BOMB,
    "after text": b"N." + pickle.dumps(Bomb(), 0),
    "zlib": zlib.compress(BOMB),
    "zlib, two streams": zlib.compress(BOMB[:40]) + zlib.compress(BOMB[40:]),
    "zlib, cut short": zlib.compress(BOMB + os.urandom(100_000))[:-1000],
    "gzip": gzip.compress(BOMB),
    "gzip, two members": gzip.compress(BOMB[:40]) + gzip.compress(BOMB[40:]),
    "gzip, wrong checksum": gzip.compress(BOMB)[:-8] + b"\0" * 8,
    "bz2": bz2.compress(BOMB),
    "xz": lzma.compress(BOMB),
    "lzma": lzma.compress(BOMB, lzma.FORMAT_ALONE),
    "zlib in gzip": gzip.compress(zlib.compress(BOMB)),
    "torch": zipped(TORCH, zipfile.ZIP_STORED),
    "torch, deflated": zipped(TORCH),
    "zip behind other bytes": b"#!/bin/sh\n" * 10 + zipped(TORCH),
    "zip in a zip": zipped({"a.zip": zipped(TORCH)}),
    "tar": tarred({"pickle": BOMB, "storages": b"\x80\x02K\x00."}),
    "npy": saved(np.save, np.array([Bomb()], dtype=object)),
    "npz": saved(np.savez, a=np.arange(3), b=np.array([Bomb()], dtype=object)),
    "npz, compressed": saved(np.savez_compressed, b=np.array([Bomb()], dtype=object)),
    "joblib": dumped(Bomb()),
    "joblib, after arrays": dumped([*ARRAYS, Bomb()]),
    "joblib, in an array": dumped([*ARRAYS, np.array([1, Bomb()], dtype=object)]),
    "joblib, after an array of objects": dumped([np.array([1, "x"], dtype=object), *ARRAYS, Bomb()]),
    "joblib, zlib": dumped([*ARRAYS, Bomb()], compress=3),
    "joblib, gzip": dumped([*ARRAYS, Bomb()], compress=("gzip", 3)),
    "joblib, bz2": dumped([*ARRAYS, Bomb()], compress=("bz2", 3)),
    "joblib, xz": dumped([*ARRAYS, Bomb()], compress=("xz", 3)),
    "joblib, lzma": dumped([*ARRAYS, Bomb()], compress=("lzma", 3)),
    "joblib, protocol 2": dumped([*ARRAYS, Bomb()], protocol=2),
    "bytes in a pickle": pickle.dumps({"blob": BOMB}),
    "old bytes in a pickle": pickle.dumps({"blob": BOMB}, 2),
    "text in a pickle": b"\x80\x02U" + bytes([len(BOMB)]) + BOMB + b".",
    "a zip in a pickle": pickle.dumps([zipped(TORCH)]),
    "compressed in a pickle": pickle.dumps([zlib.compress(BOMB)]),
    "cut short": BOMB[:-1],
}


@pytest.mark.parametrize("name", ["model.pkl", "weights.bin", "notes.txt", "model"])
@pytest.mark.parametrize("content", HIDDEN.values(), ids=HIDDEN)
def test_a_call_is_found_wherever_it_lies(content: bytes, name: str, tmp_path: Path) -> None:
    assert "posix.system" in {
        f"{s.what.module}.{s.what.name}"
        for s in search(write(tmp_path / name, content)).sightings
        if isinstance(s.what, Global)
    }
    assert not Path("exploded").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_a_place_is_told_to_the_byte(tmp_path: Path) -> None:
    content = zipped({"inner.zip": zipped({"data.pkl": BOMB})})
    (found,) = search(write(tmp_path / "m.pt", content)).sightings
    assert found.place == "data.pkl in inner.zip in m.pt, byte 28"


def test_arrays_of_joblib_are_passed_to_the_byte(tmp_path: Path) -> None:
    arrays = [
        *ARRAYS,
        np.zeros((3, 0)),
        np.array(5),
        np.array(["2020-01-01"], dtype="datetime64[ns]"),
        np.array([b"ab"]),
        np.array([True]),
        np.asfortranarray(np.ones((4, 3), dtype="float32")),
        np.arange(3, dtype=">i2"),
    ]
    for content in (dumped(arrays), dumped({"a": arrays}, compress=1), dumped(arrays[0])):
        found = globals_of(write(tmp_path / "a.joblib", content))
        assert found <= {"joblib.numpy_pickle.NumpyArrayWrapper", "numpy.ndarray", "numpy.dtype"}


def test_a_fitted_model_with_names_of_features_needs_no_doubt(tmp_path: Path) -> None:
    """Its arrays of objects are pickles in the pickle, which a plain unpickler would take for its own."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = load_iris(return_X_y=True, as_frame=True)
    content = dumped(make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y))
    found = globals_of(write(tmp_path / "a.joblib", content))
    assert {"sklearn.pipeline.Pipeline", "numpy._core.multiarray.scalar"} <= found


@pytest.mark.parametrize(
    "content",
    [
        b"channels:\n- conda-forge\ndependencies:\n- python=3.11\n",
        b"click\ncolorama\nnumpy\n",
        b"cloudpickle==3.1.2\nclick\n",
        b"import os\nimport sys\nos.system('ls')\n",
        b"iris\nsetosa\n",
        b"flavors:\n  python_function: {}\n",
        b"Nothing. To see. Here.",
        b"",
        b".",
        b'{"a": 1}',
        b"\x00" * 1000,
        b"x is no zlib",
        b"PK is no zip, whatever it says: PK\x05\x06",
        b"(lp0\n.",
        struct.pack("<500d", *range(500)),
    ],
)
def test_other_files_are_let_be(content: bytes, tmp_path: Path) -> None:
    assert search(write(tmp_path / "file.txt", content)).sightings == []


@settings(deadline=None, max_examples=200)
@given(content=st.binary(max_size=300))
def test_random_bytes_of_weights_are_no_pickles(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "weights.bin"
    found = search(write(path, b"\x80\x02" + content)).sightings
    assert all(isinstance(sighting.what, Global | Doubt) for sighting in found)


def wrapped(size: int, *, made_with: bytes = b")\x81", padded: bool = True) -> bytes:
    """The instructions that joblib writes before an array of that many bytes."""

    def text(value: str) -> bytes:
        return b"\x8c" + bytes([len(value)]) + value.encode()

    dtype = (
        b"cnumpy\ndtype\n"
        + text("u1")
        + b"\x89\x88\x87R(K\x03"
        + text("|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    )
    padding = text("numpy_array_alignment_bytes") + b"N" if padded else b""
    return b"".join(
        [
            b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n",
            made_with,
            b"}(",
            text("subclass") + b"cnumpy\nndarray\n" + text("shape") + b"K" + bytes([size]) + b"\x85",
            text("order")
            + text("C")
            + text("dtype")
            + dtype
            + text("allow_mmap")
            + b"\x89"
            + padding
            + b"ub",
        ]
    )


CALL = b"cposix\nsystem\n(S'touch exploded'\ntR0"
UNTOLD = {
    # joblib takes what the frame holds as instructions, and the array from behind it
    "an array within a frame": [wrapped(len(CALL)), CALL + b".", b"\xff" * len(CALL)],
    # the class fills in a padding of which the state says nothing
    "an array whose wrapper is made with arguments": [
        wrapped(4, made_with=b"(cnumpy\nndarray\nK\x04\x85S'C'\ncnumpy\ndtype\nS'u1'\n\x85RtR", padded=False),
        b"\x08\0\0\0",
        b"B" + struct.pack("<I", 4 + len(CALL)) + bytes(4) + CALL + b".",
    ],
}


@pytest.mark.parametrize("parts", UNTOLD.values(), ids=UNTOLD)
def test_an_array_that_hides_a_call_is_told(
    parts: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An honest array goes before, since a plain unpickler would see the call, and stops there."""
    monkeypatch.chdir(tmp_path)
    before = wrapped(4)
    head, *rest = parts
    framed = b"0" + head + (rest[0] if len(rest[0]) > 4 else b"")
    content = b"\x80\x04\x95" + struct.pack("<Q", len(before)) + before + b"\xff" * 4
    content += b"\x95" + struct.pack("<Q", len(framed)) + framed + b"".join(parts)[len(framed) - 1 :]
    path = write(tmp_path / "a.joblib", content)
    doubts = [s.what.why for s in search(path).sightings if isinstance(s.what, Doubt)]
    assert doubts == ["it has an array whose size can't be told"]
    joblib.load(path)
    assert Path("exploded").exists()


def test_no_name_hides_a_call_that_follows(tmp_path: Path) -> None:
    """A folder of the model can be imported under its name, which no other module would have."""
    content = b"cmy data\n__name__\n0" + CALL + b"\xff"
    names = {f"{s.what.module}.{s.what.name}" for s in search(write(tmp_path / "m", content)).sightings}  # type: ignore[union-attr]
    assert names == {"my data.__name__", "posix.system"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x04\x22\x4d\x18" + b"x" * 50, "compressed with lz4"),
        (b"\x28\xb5\x2f\xfd" + b"x" * 50, "compressed with zstd"),
        (b"ZF0x1f                " + zlib.compress(BOMB), "compressed with joblib's old way"),
        (zipped(TORCH).replace(b"PK\x01\x02", b"PK\x01\x03"), "a zip that can't be read"),
        (b"\x80\x04\x82\x01.", "refers to the extension 1"),
    ],
)
def test_what_cant_be_looked_into_is_told(content: bytes, why: str, tmp_path: Path) -> None:
    (sighting,) = search(write(tmp_path / "model.pkl", content)).sightings
    assert isinstance(sighting.what, Doubt)
    assert why in sighting.what.why


def test_an_encrypted_member_is_told(tmp_path: Path) -> None:
    content = bytearray(zipped({"data.pkl": BOMB}, zipfile.ZIP_STORED))
    content[content.index(b"PK\x03\x04") + 6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    doubts = [
        s for s in search(write(tmp_path / "a.pt", bytes(content))).sightings if isinstance(s.what, Doubt)
    ]
    assert "its member data.pkl can't be read" in doubts[0].what.why  # type: ignore[union-attr]


def test_what_grows_beyond_measure_is_told(tmp_path: Path) -> None:
    zeros = b"\0" * 3_000_000
    tight = Limits(free_bytes=1000, ratio=10)
    for content in (zlib.compress(zeros), gzip.compress(zeros), zipped({"a": zeros})):
        (sighting,) = search(write(tmp_path / "bomb", content), tight).sightings
        assert isinstance(sighting.what, Doubt)
        assert "unpacks to more than" in sighting.what.why
    assert search(tmp_path / "bomb").sightings == []


def test_what_is_nested_too_deeply_is_told(tmp_path: Path) -> None:
    content = BOMB
    for _ in range(12):
        content = zlib.compress(content)
    (sighting,) = search(write(tmp_path / "deep", content)).sightings
    assert isinstance(sighting.what, Doubt)
    assert "nested too deeply" in sighting.what.why


@settings(deadline=None, max_examples=100)
@given(
    which=st.sampled_from(sorted(HIDDEN)),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=5),
)
def test_spoilt_files_are_searched_without_a_crash(
    which: str, changes: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    spoilt = bytearray(HIDDEN[which])
    for position, byte in changes:
        spoilt[position % len(spoilt)] = byte
    search(write(tmp_path_factory.getbasetemp() / "spoilt.pkl", bytes(spoilt)), Limits(total_bytes=10**7))


@pytest.mark.parametrize("protocol", range(6))
@given(texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=9), min_size=1, max_size=4))
def test_texts_in_an_array_are_no_pickle(
    tmp_path_factory: pytest.TempPathFactory, protocol: int, texts: list[str]
) -> None:
    """Its bytes may begin with any letter, such as the `c` that looks up a global."""
    path = write(
        tmp_path_factory.mktemp("texts") / "model.pkl",
        pickle.dumps(np.array(["class_0", *texts]), protocol),
    )
    assert {name.partition(".")[0] for name in globals_of(path)} <= {"numpy", "_codecs"}


def test_a_bomb_in_a_constant_is_seen_without_its_end(tmp_path: Path) -> None:
    path = write(tmp_path / "model.pkl", pickle.dumps({"data": BOMB[:-1]}))
    assert globals_of(path) == {"posix.system"}


@settings(max_examples=500)
@given(
    numbers=st.binary(min_size=0, max_size=64),
    start=st.sampled_from([b"\x82\x01.", b"\x84abcd.", b"\x80\x04\x82\x01.", b"c"]),
)
def test_numbers_that_begin_like_instructions_are_no_pickle(
    tmp_path_factory: pytest.TempPathFactory, numbers: bytes, start: bytes
) -> None:
    """A forest holds so many arrays that some always do."""
    path = tmp_path_factory.mktemp("numbers") / "model.pkl"
    array = np.frombuffer(start + numbers + b"\0", dtype=np.uint8)
    assert {name.partition(".")[0] for name in globals_of(write(path, pickle.dumps(array, 4)))} <= {"numpy"}


@pytest.mark.parametrize(
    "bomb", [BOMB, BOMB + b"trailing", pickle.dumps(Bomb(), 0), pickle.dumps(Bomb(), 0) + b"x"]
)
def test_a_bomb_in_a_constant_is_seen_whatever_follows(tmp_path: Path, bomb: bytes) -> None:
    assert "posix.system" in globals_of(write(tmp_path / "model.pkl", pickle.dumps([bomb, b"abc"])))
