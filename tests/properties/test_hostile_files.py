"""Stored fits and moments that somebody has tampered with, checksum and all: as written, or the one clear error."""

import json
import math
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastlr
from fastlr import InputError, LinearFit, ModelFileError, Moments
from fastlr.files import load_model, save_model
from fastlr.results.stored import FIT_FIELDS, LATER_FIELDS

PREAMBLE = struct.Struct("<8sIII")
DEEP = "[" * 100_000 + "]" * 100_000
NESTED = json.loads("[" * 700 + "]" * 700)


def rows(seed=3, n=40, p=2):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X.sum(axis=1) + rng.normal(size=n)


FITS = {
    "one": fastlr.ols(*rows()),
    "two": fastlr.ols(rows()[0], np.column_stack([rows()[1], rows(4)[1]])),
    "descent": fastlr.descend(*rows(), epochs=300, tol=1e-6).to_fit(),
    "poly": fastlr.polyfit(rows()[0][:, 0], rows()[1], 2),
}
MOMENTS = {
    "double": Moments.from_arrays(*rows()),
    "double_double": Moments.from_arrays(*rows(), precision="double_double"),
    "weighted": Moments.from_arrays(*rows(), np.linspace(0, 2, 40), feature_names=["a", "ü"]),
    "scaled": Moments.from_arrays(rows()[0] * [1e200, 1e-200], rows()[1]),
    "less": Moments.from_arrays(*rows()) - Moments.from_arrays(*(a[:39] for a in rows())),
}


def signed(header, body):
    """Moments with a checksum that is right, whatever they hold."""
    content = header + body
    checksum = zlib.crc32(content, len(header))
    return PREAMBLE.pack(b"FASTLRM\x00", 2, len(header), checksum) + content


def parts(moments):
    data = moments.to_bytes()
    size = PREAMBLE.unpack_from(data)[2]
    return data[PREAMBLE.size :][:size], data[PREAMBLE.size + size :]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile") / "model.json"


@pytest.fixture(scope="module")
def texts(path):
    """What every fit is saved as."""

    def text_of(fit):
        save_model(fit, path)
        return path.read_text(encoding="utf-8")

    return {which: text_of(fit) for which, fit in FITS.items()}


def written(path, data):
    """Write in place: some file systems are slow to take files away, or empty them."""
    with path.open("r+b") as file:
        file.write(data)
        file.truncate()


def read(reader, source):
    """What was read and no error, or nothing and the message."""
    try:
        return reader(source), ""
    except (ModelFileError, InputError) as error:
        return None, str(error)


def refused_model(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
    with pytest.raises(ModelFileError, match="save it again") as caught:
        load_model(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 1000


def test_every_field_of_a_fit_has_its_rule():
    assert set(FIT_FIELDS) | set(LATER_FIELDS) == set(FITS["one"].to_dict())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("coef", NESTED),
        ("coef", [1.0, NESTED]),
        ("coef", [[1.0, 2.0]]),
        ("coef", [True, False]),
        ("coef", [10**400, 1.0]),
        ("coef", {"0": 1.0}),
        ("intercept", NESTED),
        ("intercept", "nan"),
        ("feature_names", ["a", ["b"]]),
        ("feature_names", NESTED),
        ("feature_names", {"a": 1, "b": 2}),
        ("target_names", ["y"] * 10),
        ("n_samples", -5),
        ("n_samples", 0),
        ("n_samples", 3.0),
        ("n_samples", True),
        ("n_samples", 10**30),
        ("total_weight", "nan"),
        ("total_weight", "inf"),
        ("total_weight", -1.0),
        ("total_weight", 0),
        ("total_weight", None),
        ("rank", 3),
        ("rank", -1),
        ("condition_number", -1.0),
        ("digits", 99),
        ("digits", -1),
        ("digits", "-inf"),
        ("passes", -1),
        ("rss", -1.0),
        ("tss", "-inf"),
        ("bse", [-1.0, 1.0]),
        ("bse_intercept", -1.0),
        ("residual_sd", -1.0),
        ("fit_intercept", 1),
        ("alpha", -1.0),
        ("alpha", "inf"),
        ("feature_std", [-1.0, 1.0]),
        ("feature_mean", ["one", "two"]),
        ("solver", ["refined"]),
        ("solver", NESTED),
        ("status", {"code": "ok"}),
        ("status", {"code": "ok", "sentence": 1}),
        ("status", {"code": "ok", "sentence": "fine", "more": 1}),
        ("status", NESTED),
        ("kind", "cubic"),
        ("kind", NESTED),
        ("version", NESTED),
        ("version", True),
        ("version", 1.0),
        ("format", NESTED),
        ("", 1),
        ("\ud800", 1),
    ],
    ids=lambda value: f"{str(value)[:30]!a}",
)
def test_a_field_outside_its_rule_is_refused(path, texts, field, value):
    document = json.loads(texts["one"]) | {field: value}
    refused_model(path, json.dumps(document))
    fields = {k: v for k, v in document.items() if k not in ("format", "version")}
    if field not in ("version", "format") and value not in ("nan", "inf"):
        with pytest.raises(InputError):
            LinearFit.from_dict(fields)


@pytest.mark.parametrize("field", sorted(FIT_FIELDS))
def test_a_field_that_is_missing_is_named(path, texts, field):
    document = json.loads(texts["two"])
    del document[field]
    path.write_text(json.dumps(document))
    with pytest.raises(ModelFileError, match=f"missing .*{field}"):
        load_model(path)


def test_texts_that_are_no_documents_are_refused(path, texts):
    text = texts["one"]
    start = '{"format": "fastlr.linear_model", "version": 1, '
    refused_model(path, start + '"coef": ' + DEEP + "}")
    refused_model(path, '{"a":' * 100_000)
    refused_model(path, text.replace('"digits"', '"rank": 1, "digits"'))
    refused_model(path, text.replace('"alpha": 0.0', '"alpha": NaN'))
    refused_model(path, text.replace('"alpha": 0.0', '"alpha": 1e999'))
    refused_model(path, text.replace('"alpha": 0.0', '"alpha": ' + "9" * 10_000))
    refused_model(path, text.encode("utf-16"))
    refused_model(path, text.replace('"x0"', '"\xff"').encode("latin-1"))
    refused_model(path, text.encode()[:-20])
    refused_model(path, text + "{}")
    refused_model(path, "{" + "\x00" * 1000)


def test_names_that_are_no_utf_8_are_kept(path):
    X, y = rows()
    fit = fastlr.ols(X, y, feature_names=["a\ud800", "b"])
    save_model(fit, path)
    assert load_model(path).to_dict() == fit.to_dict()


# Pieces of what a document may hold, right and wrong.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-10, 10)
    | st.floats()
    | st.sampled_from(["inf", "nan", "", "x0", "y", 10**30, -(10**400), 1e308])
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(FITS)), st.data())
def test_a_model_with_any_field_replaced_is_kept_as_it_is_or_refused(path, texts, which, data):
    document = json.loads(texts[which])
    for field in data.draw(
        st.lists(st.sampled_from(sorted(document)), min_size=1, max_size=2, unique=True)
    ):
        value = document[field]
        if isinstance(value, list) and value and data.draw(st.booleans()):
            value[data.draw(st.integers(0, len(value) - 1))] = data.draw(VALUES)
        elif data.draw(st.booleans()):
            document[field] = data.draw(VALUES)
        else:
            document.pop(field, None)
    written(path, json.dumps(document).encode())
    fit, error = read(load_model, path)
    if fit is None:
        assert "save it again" in error or "install a newer fastlr" in error
        return
    assert fit.n_samples >= 1
    assert 0 <= fit.digits <= 16 or math.isnan(fit.digits)
    assert np.isfinite(fit.coef).all()
    assert isinstance(fit.summary() + repr(fit), str)
    save_model(fit, path)
    again = load_model(path)
    assert repr(again.to_dict()) == repr(fit.to_dict())
    assert type(again) is type(fit)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(FITS)), st.data())
def test_a_model_with_any_bytes_replaced_is_read_or_refused(path, texts, which, data):
    text = bytearray(texts[which].encode())
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        text[start : start + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    written(path, text)
    fit, error = read(load_model, path)
    assert error.startswith(str(path)) if fit is None else isinstance(fit.summary(), str)


@pytest.mark.parametrize("which", sorted(MOMENTS))
def test_moments_come_back_as_they_were(which):
    assert Moments.from_bytes(MOMENTS[which].to_bytes()) == MOMENTS[which]
    assert signed(*parts(MOMENTS[which])) == MOMENTS[which].to_bytes()


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe",
        b'"n_samples"',
        DEEP.encode(),
        b'{"n_samples":' * 50_000,
        {"n_samples": -5},
        {"n_samples": 0},
        {"n_samples": 40.0},
        {"n_samples": "40"},
        {"n_samples": 10**30},
        {"n_samples": NESTED},
        {"feature_names": []},
        {"feature_names": "ab"},
        {"feature_names": ["a", "a"]},
        {"feature_names": ["a", 1]},
        {"feature_names": ["a"]},
        {"feature_names": [f"x{j}" for j in range(20_000)]},
        {"feature_names": NESTED},
        {"target_names": ["y", "z"]},
        {"target_names": None},
        {"precision": "single"},
        {"precision": "double_double"},
        {"precision": NESTED},
        {"surprise": 1},
    ],
    ids=lambda header: f"{str(header)[:40]!a}",
)
def test_a_header_of_moments_outside_its_rule_is_refused(header):
    good, body = parts(MOMENTS["double"])
    if isinstance(header, dict):
        header = json.dumps(json.loads(good) | header).encode()
    with pytest.raises(InputError, match="build the moments again") as caught:
        Moments.from_bytes(signed(header, body))
    assert len(str(caught.value)) < 500


def test_headers_with_a_key_twice_or_missing_and_wrong_sizes_are_refused():
    header, body = parts(MOMENTS["double"])
    twice = header.replace(b'{"n_samples"', b'{"n_samples": 3, "n_samples"')
    missing = json.dumps({"n_samples": 3}).encode()
    for data in (signed(twice, body), signed(missing, body), signed(header, body[:-8])):
        with pytest.raises(InputError, match="build the moments again"):
            Moments.from_bytes(data)
    for data in (signed(header, body[:-1]), signed(header, body + bytes(8)), signed(header, b"")):
        with pytest.raises(InputError, match="build the moments again"):
            Moments.from_bytes(data)
    for size in (0, 1, len(header) - 1, len(header) + 8, 2**31, 2**32 - 1):
        content = header + body
        claimed = PREAMBLE.pack(b"FASTLRM\x00", 2, size, zlib.crc32(content, size)) + content
        with pytest.raises(InputError, match="build the moments again"):
            Moments.from_bytes(claimed)


# Where the numbers lie, for 2 features and 1 target: weight, sum of logarithms, scale, mean, products, size.
@pytest.mark.parametrize(
    ("place", "value"),
    [
        *[(k, bad) for k in range(23) for bad in (math.nan, math.inf)],
        (0, -1.0),
        (0, 0.0),
        (2, 0.0),
        (2, -1.0),
        (2, 3.0),
        (11, -1.0),
        (12, 1e6),
        (20, -1.0),
        (20, 0.0),
    ],
)
def test_numbers_that_no_rows_have_are_refused(place, value):
    header, body = parts(MOMENTS["double"])
    numbers = np.frombuffer(body, dtype="<f8").copy()
    assert len(numbers) == 2 + 3 + 6 + 9 + 3
    numbers[place] = value
    with pytest.raises(InputError, match="build the moments again"):
        Moments.from_bytes(signed(header, numbers.tobytes()))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(MOMENTS)), st.data())
def test_moments_with_anything_replaced_are_kept_as_they_are_or_refused(which, data):
    header, body = map(bytearray, parts(MOMENTS[which]))
    part = data.draw(st.sampled_from([header, body]))
    for _ in range(data.draw(st.integers(1, 3))):
        if data.draw(st.booleans()):
            start = data.draw(st.integers(0, len(part)))
            part[start : start + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
        else:
            start = 8 * data.draw(st.integers(0, len(body) // 8 - 1))
            body[start : start + 8] = struct.pack("<d", data.draw(st.floats()))
    moments, error = read(Moments.from_bytes, signed(bytes(header), bytes(body)))
    if moments is None:
        assert "build the moments again" in error
        return
    assert parts(moments)[1] == bytes(body)
    assert moments.n_samples >= 1
    assert moments.total_weight > 0
    assert np.isfinite(moments.mean).all() or (moments.for_kernels().scale != 1).any()
    assert json.loads(parts(moments)[0]) == json.loads(bytes(header))
