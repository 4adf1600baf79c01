"""Moments as bytes: a magic number, a version, a checksum, a JSON header, float64 numbers; the same everywhere."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastlr.errors import InputError, InputTypeError
from fastlr.input.columns import FloatArray
from fastlr.input.names import GeneratedNames
from fastlr.moments.state import PRECISIONS, State
from fastlr.storage.schema import Count, Field, Names, Of, check_keys, shown, strict_json

__all__ = ["as_bytes", "from_bytes"]

_MAGIC = b"FASTLRM\x00"
_VERSION = 2
# Magic, format version, length of the JSON header, CRC-32 of that length and all that follows.
_PREAMBLE = struct.Struct("<8sIII")
_NAMES = ("feature_names", "target_names")

_HEADER: Mapping[str, Field] = {
    "n_samples": Count(1),
    "feature_names": Names(),
    "target_names": Names(),
    "precision": Of(str),
}


def as_bytes(state: State) -> bytes:
    """All that moments know, in a form that is the same on every machine."""
    names = {"feature_names": state.feature_names, "target_names": state.target_names}
    header = {
        "n_samples": state.n_samples,
        **names,
        "generated": [of for of in names if isinstance(names[of], GeneratedNames)],
        "precision": state.precision,
    }
    if state.n_dropped:
        header["n_dropped"] = state.n_dropped
    numbers = [
        np.array([state.total_weight, state.sum_log_weight]),
        state.scale,
        state.mean.ravel(),
        state.cross.ravel(),
        state.summed_squares,
    ]
    text = json.dumps(header).encode()
    body = text + np.concatenate(numbers).astype("<f8").tobytes()
    return _PREAMBLE.pack(_MAGIC, _VERSION, len(text), zlib.crc32(body, len(text))) + body


def from_bytes(data: object) -> State:
    """What `as_bytes` wrote, after a check of every number; an `InputError` for anything else."""
    header, numbers = _decoded(data)
    try:
        header = _checked_header(header)
        features, targets = (
            (GeneratedNames if of in header["generated"] else tuple)(header[of]) for of in _NAMES
        )
        q, n_parts = len(features) + len(targets), 1 + PRECISIONS.index(header["precision"])
        if len(numbers) != 2 + (4 + n_parts * q) * q:
            raise InputError(f"{len(numbers)} numbers are not those of {q} columns.")
        weights, scale, mean, cross, squares = np.split(
            numbers, np.cumsum([2, q, 2 * q, n_parts * q * q])
        )
        mean, cross = mean.reshape(2, q), cross.reshape((n_parts, q, q))
        cross = cross[0] if n_parts == 1 else cross
        _check_numbers(weights, scale, mean, cross, squares)
    except InputError as error:
        raise InputError(f"data are not moments ({error}): build the moments again.") from None
    return State(
        header["n_samples"],
        float(weights[0]),
        float(weights[1]),
        scale.copy(),
        mean.copy(),
        cross.copy(),
        features,
        targets,
        squares.copy(),
        header["n_dropped"],
    )


def _decoded(data: object) -> tuple[dict[str, Any], FloatArray]:
    """Header and numbers, if the bytes are moments and undamaged."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise InputTypeError(
            f"data is a {type(data).__name__}: pass the bytes that Moments.to_bytes() gave."
        )
    data = bytes(data)
    if len(data) < _PREAMBLE.size or not data.startswith(_MAGIC):
        raise InputError("data are not moments: pass the bytes that Moments.to_bytes() gave.")
    _, version, header_size, checksum = _PREAMBLE.unpack_from(data)
    if version != _VERSION:
        raise InputError(
            f"data hold moments of format version {version}, this fastlr reads version {_VERSION}: use the fastlr "
            "that wrote them, or build the moments again."
        )
    body = data[_PREAMBLE.size :]
    if zlib.crc32(body, header_size) != checksum:
        raise InputError("data are damaged (checksum differs): build the moments again.")
    if header_size > len(body) or (len(body) - header_size) % 8:
        raise InputError(
            f"data are not moments (a header of {header_size} bytes in {len(body)}): build the moments again."
        )
    try:
        header = strict_json(body[:header_size])
    except ValueError as error:
        raise InputError(f"data are not moments ({error}): build the moments again.") from error
    return header, np.frombuffer(body[header_size:], dtype="<f8").astype(np.float64)


def _checked_header(header: Mapping[str, Any]) -> dict[str, Any]:
    """Rows, names and precision of moments.

    Raises
    ------
    InputError
        If one is missing, unknown or wrong.
    """
    generated = header.get("generated", [])
    if not isinstance(generated, list) or not all(name in _NAMES for name in generated):
        raise InputError(f"generated={shown(generated)} does not say which names were made up.")
    n_dropped = Count(0).check("n_dropped", header.get("n_dropped", 0), {})
    later = ("generated", "n_dropped")  # which moments that were stored before do not have
    check_keys("moments", {k: header[k] for k in header if k not in later}, _HEADER)
    checked = {key: field.check(key, header[key], {}) for key, field in _HEADER.items()}
    if checked["precision"] not in PRECISIONS:
        raise InputError(f"precision={shown(checked['precision'])} is not known.")
    return {**checked, "generated": generated, "n_dropped": n_dropped}


def _check_numbers(
    weights: FloatArray,
    scale: FloatArray,
    mean: FloatArray,
    cross: FloatArray,
    summed_squares: FloatArray,
) -> None:
    """Refuse numbers that no rows have: total weight and sum of logarithms, scales, means, products, summed squares.

    Raises
    ------
    InputError
        If one is.
    """
    for name, numbers in (
        ("weights", weights),
        ("scale", scale),
        ("mean", mean),
        ("summed_squares", summed_squares),
    ):
        if not np.isfinite(numbers).all():
            raise InputError(f"{name} must be finite.")
    if not weights[0] > 0:
        raise InputError(f"the total weight {weights[0]:g} is not positive.")
    if not np.isfinite(cross).all():
        raise InputError("cross-products must be finite.")
    if not (np.frexp(scale)[0] == 0.5).all():
        raise InputError("scales must be powers of two.")
    leading = cross if cross.ndim == 2 else cross[0]
    variation = leading.diagonal()
    # What was taken away may leave rounding errors of what there was, and no more.
    if (
        np.any(summed_squares < 0)
        or np.any(variation < -1e-11 * summed_squares)
        or np.any(variation > (1.0 + 1e-9) * summed_squares)
    ):
        raise InputError(
            "sums of squares must be positive, and no larger than those that were rounded."
        )
    if not np.array_equal(leading, leading.T):
        raise InputError("cross-products must be symmetric.")
