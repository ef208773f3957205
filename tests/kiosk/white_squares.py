"""Two small networks in place of YuNet and SFace: one takes white squares for faces, one encodes their mean colour."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FLOAT, INTEGER, LIST = 1, 7, 7
STRIDES = (8, 16, 32)
SIZES = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
POINTS = (0.3, 0.4, 0.7, 0.4, 0.5, 0.6, 0.35, 0.75, 0.65, 0.75)
"""Of a square: right eye, left eye, nose, right and left corner of the mouth."""


def write_detector(path: Path) -> None:
    """Write a network with YuNet's twelve outputs, which finds each white cell of 32 x 32 pixels."""
    nodes, tensors, outputs = list[bytes](), list[bytes](), list[bytes]()
    for stride in STRIDES:
        for kind, size in SIZES.items():
            name = f"{kind}_{stride}"
            weights = np.zeros((size, 3, stride, stride), np.float32)
            if stride == max(STRIDES) and size == 1:
                weights[:] = 1 / (3 * 255 * stride**2)
            # A box in the middle of its cell, as large as the cell: exp(0) times the stride.
            bias = {"bbox": (0.5, 0.5, 0.0, 0.0), "kps": POINTS}.get(kind, (0.0,))
            tensors += [_tensor(f"{name}.w", weights), _tensor(f"{name}.b", np.array(bias, np.float32))]
            tensors += [_tensor(f"{name}.shape", np.array([1, -1, size], np.int64))]
            steps = {"kernel_shape": (stride, stride), "strides": (stride, stride)}
            nodes += [
                _node("Conv", ["input", f"{name}.w", f"{name}.b"], f"{name}.map", steps),
                _node("Transpose", [f"{name}.map"], f"{name}.rows", {"perm": (0, 2, 3, 1)}),
                _node("Reshape", [f"{name}.rows", f"{name}.shape"], name, {}),
            ]
            outputs.append(_value(name, (1, 320 * 256 // stride**2, size)))
    path.write_bytes(_model(nodes, tensors, _value("input", (1, 3, 256, 320)), outputs))


def write_recognizer(path: Path, *, length: int = 128, seed: int = 1) -> None:
    """Write a network that makes so many numbers of a picture's mean colour."""
    weights = np.random.default_rng(seed).standard_normal((length, 3, 1, 1)).astype(np.float32)
    nodes = [
        _node("GlobalAveragePool", ["input"], "mean", {}),
        _node("Conv", ["mean", "w"], "map", {"kernel_shape": (1, 1)}),
        _node("Flatten", ["map"], "output", {}),
    ]
    path.write_bytes(
        _model(nodes, [_tensor("w", weights)], _value("input", (1, 3, 112, 112)), [_value("output", (1, length))])
    )


# The ONNX format: protocol buffers, of which this is the little that is needed.


def _model(nodes: Sequence[bytes], tensors: Sequence[bytes], given: bytes, outputs: Sequence[bytes]) -> bytes:
    graph = b"".join(_bytes(1, node) for node in nodes) + _bytes(2, b"squares")
    graph += b"".join(_bytes(5, tensor) for tensor in tensors) + _bytes(11, given)
    graph += b"".join(_bytes(12, output) for output in outputs)
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, b"") + _number(2, 13))


def _node(kind: str, inputs: Iterable[str], output: str, lists: Mapping[str, Sequence[int]]) -> bytes:
    attributes = (
        _bytes(1, name.encode()) + b"".join(_number(8, one) for one in numbers) + _number(20, LIST)
        for name, numbers in lists.items()
    )
    named = (
        b"".join(_bytes(1, one.encode()) for one in inputs) + _bytes(2, output.encode()) + _bytes(3, output.encode())
    )
    return named + _bytes(4, kind.encode()) + b"".join(_bytes(5, one) for one in attributes)


def _tensor(name: str, numbers: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    kind = FLOAT if numbers.dtype == np.float32 else INTEGER
    dims = b"".join(_number(1, size) for size in numbers.shape)
    return dims + _number(2, kind) + _bytes(8, name.encode()) + _bytes(9, numbers.tobytes())


def _value(name: str, shape: Sequence[int]) -> bytes:
    dims = b"".join(_bytes(1, _number(1, size)) for size in shape)
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _number(1, FLOAT) + _bytes(2, dims)))


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _number(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
