"""Rules of fields: what they admit comes back as they keep it, and all else is refused by name."""

import base64
import json

import numpy as np
import pytest

from fastlr import InputError, InputTypeError, ModelFileError
from fastlr.storage import Storable, read_document, write_document
from fastlr.storage.schema import Bytes, Count, Maybe, Numbers, Part, check_fields

SIZES = {"": (), "p": (2,), "tp": (3, 2)}


RULES = {"numbers": Numbers("p", may_be_nan=True), "count": Count(1), "more": Maybe(Numbers(""))}


class Pair(Storable):
    """What another class of results looks like to the files."""

    def __init__(self, **values):
        self.values = values

    def to_document(self):
        return self.values

    @classmethod
    def from_document(cls, data):
        return cls(**check_fields("a pair", data, RULES, SIZES))


def test_arrays_and_scalars_of_numpy_come_back_to_the_bit(tmp_path):
    numbers = np.array([0.1 + 0.2, np.nan])
    write_document(
        tmp_path / "a.json", "Pair", {"numbers": numbers, "count": np.int64(3), "more": -np.inf}
    )
    document = read_document(tmp_path / "a.json")
    again = document.restored_by(Pair.from_document)
    assert document.kind == "Pair"
    assert again.values["numbers"].tobytes() == numbers.tobytes()
    assert again.values["count"] == 3
    assert again.values["more"] == -np.inf


def test_a_damaged_field_names_the_file(tmp_path):
    write_document(tmp_path / "a.json", "Pair", {"numbers": [1.0], "count": 0, "more": None})
    with pytest.raises(
        ModelFileError, match=r"a.json is a damaged .*numbers is not made of numbers of shape"
    ):
        read_document(tmp_path / "a.json").restored_by(Pair.from_document)


def test_a_class_that_is_not_fastlrs_is_not_saved(tmp_path):
    with pytest.raises(InputTypeError, match="Pair is a class of"):
        Pair(numbers=[1.0, 2.0], count=1, more=None).save(tmp_path / "a.json")


def test_a_document_that_json_cannot_hold_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    path.write_text("precious")
    with pytest.raises(TypeError):
        write_document(path, "Pair", {"numbers": object()})
    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    ("rule", "value", "message"),
    [
        (Maybe(Count(0)), -1, "field=-1 is not a whole number"),
        (Part(dict), [1], "field=.* has no fields"),
        (Part(Pair.from_document), {"a": 1}, "field: not a pair: missing"),
        (Bytes(), 1, "field=1 is no text"),
        (Bytes(), "ä", "field is not base64"),
        (Bytes(), "abc", "field is not base64"),
        (Bytes(), "ab cd===", "field is not base64"),
        (Numbers("p"), ["nan", 1.0], "field must not be NaN"),
        (Numbers("p"), ["NaN", 1.0], "field is not made of numbers"),
        (Numbers("tp"), [[1.0, 2.0]] * 2, "field is not made of numbers of shape"),
        (Numbers("p"), [10**400, 1], "range"),
    ],
)
def test_what_a_rule_does_not_admit_is_refused_by_name(rule, value, message):
    with pytest.raises(InputError, match=message):
        rule.check("field", value, SIZES)


def test_what_a_rule_admits_comes_back():
    assert Maybe(Count(0)).check("field", None, SIZES) is None
    assert Bytes().check("field", base64.b64encode(b"\x00\xff").decode(), SIZES) == b"\x00\xff"
    assert Numbers("", may_be_nan=True).check("field", "-inf", SIZES) == -np.inf
    assert Numbers("tp").check("field", json.loads("[[1, 2.5], [3, 4], [5, 6]]"), SIZES).shape == (
        3,
        2,
    )
