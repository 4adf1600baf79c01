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
from fastlr.input.schema import strict_json

__all__ = ["decode", "encode"]

_MAGIC = b"FASTLRM\x00"
_VERSION = 2
# Magic, format version, length of the JSON header, CRC-32 of that length and all that follows.
_PREAMBLE = struct.Struct("<8sIII")


def encode(header: Mapping[str, Any], numbers: FloatArray) -> bytes:
    """Join header and numbers."""
    text = json.dumps(header).encode()
    body = text + numbers.astype("<f8").tobytes()
    return _PREAMBLE.pack(_MAGIC, _VERSION, len(text), zlib.crc32(body, len(text))) + body


def decode(data: object) -> tuple[dict[str, Any], FloatArray]:
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
