"""An SVM, from features to probabilities, as one ONNX graph in single precision."""

from __future__ import annotations

from typing import Any

import numpy as np

import mien
from mien.errors import MienError
from mien.models.calibrated import CalibratedClassifier
from mien.models.column_grid import MOST_LEVELS, to_levels
from mien.models.fused_machine import KernelHead, LinearHead
from mien.models.fused_view import FusedView
from mien.models.kernel_machine import share_pairs
from mien.models.kernels import Kernel
from mien.models.optional_package import import_optional

INPUT = "features"
LABEL = "label"
PROBABILITIES = "probabilities"
LIMIT = 2**31 - 2**20
"""Bytes of all arrays together: a protobuf message has at most 2 GiB."""

_OPSET = 17
_IR_VERSION = 8


def build_model(estimator: CalibratedClassifier, n_classes: int) -> Any:
    """Build the graph of a calibrated SVM.

    Parameters
    ----------
    estimator : CalibratedClassifier
        Fitted, of a :class:`mien.models.fused_machine.FusedMachine`, with class indices as its
        classes.
    n_classes : int
        All that there are.

    Returns
    -------
    onnx.ModelProto
        Input ``features``: float32, shape (n, width). Outputs ``label``: int64, shape (n,), the
        index of the most probable class; ``probabilities``: float32, shape (n, n_classes).

    Raises
    ------
    MienError
        If onnx is not installed, or the arrays together have 2 GB or more.
    """
    machine = estimator.estimator_
    graph = _Graph()
    outputs = _add_outputs(graph, machine.view_, machine.head_)
    scores = outputs
    if machine.one_against_one_ and len(machine.classes_) > 2:
        shares = share_pairs(len(machine.classes_)).astype(np.float32)
        scores = graph.add("MatMul", graph.add("Tanh", outputs), graph.constant(shares))
    logits = graph.affine(scores, estimator.coef_, estimator.intercept_)
    known = graph.add("Softmax", logits, axis=1)
    columns = np.eye(n_classes, dtype=np.float32)[estimator.classes_]
    graph.add("MatMul", known, graph.constant(columns), output=PROBABILITIES)
    graph.add("ArgMax", PROBABILITIES, output=LABEL, axis=1, keepdims=0)
    return graph.finish(machine.n_features_in_, n_classes)


def _add_outputs(graph: _Graph, view: FusedView, head: LinearHead | KernelHead) -> str:
    """Add what a head computes; float32, shape (n, n_outputs)."""
    gathered = _add_gathered(graph, view)
    if isinstance(head, LinearHead):
        return graph.affine(gathered, head.weights, head.intercept)
    coordinates = _add_projections(graph, view, gathered)
    if head.shift is not None:
        coordinates = graph.add("Sub", coordinates, graph.constant(head.shift))
    if head.step is not None:
        coordinates = _add_rounding(graph, coordinates, head.step)
    total, start = "", 0
    for half, norms, kernel in zip(head.halves, head.norms, head.kernels, strict=True):
        span = slice(start, start + sum(half))
        values = _add_kernel(graph, coordinates, head, span, half[0], norms, kernel)
        weighted = graph.add("Mul", values, graph.constant(kernel.weight))
        total = graph.add("Add", total, weighted) if total else weighted
        start = span.stop
    return graph.affine(total, head.dual_coef, head.intercept)


def _add_gathered(graph: _Graph, view: FusedView) -> str:
    """Add :meth:`FusedView.gather`."""
    values = INPUT
    if view.centre is not None:
        values = graph.add("Sub", values, graph.constant(view.centre))
    if view.factors is None:
        return values
    if view.columns is None:
        return graph.add("Mul", values, graph.constant(view.factors[0]))
    one, other = (
        graph.add(
            "Mul",
            graph.add("Gather", values, graph.constant(columns, np.int32), axis=1),
            graph.constant(factor),
        )
        for columns, factor in zip(view.columns, view.factors, strict=True)
    )
    return graph.add("Add", one, other)


def _add_projections(graph: _Graph, view: FusedView, values: str) -> str:
    """Add what :meth:`FusedView.transform` does after gathering."""
    if view.projections is None:
        return values
    parts = [
        graph.affine(graph.take(values, own.span), own.components, own.offset)
        for own in view.projections
    ]
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)


def _add_rounding(graph: _Graph, values: str, step: np.ndarray) -> str:
    """Add :func:`mien.models.column_grid.to_levels`, and the way back."""
    unit = graph.constant(step)
    levels = graph.add("Round", graph.add("Div", values, unit))
    limits = graph.constant(-MOST_LEVELS), graph.constant(MOST_LEVELS)
    return graph.add("Mul", graph.add("Clip", levels, *limits), unit)


def _add_kernel(
    graph: _Graph,
    coordinates: str,
    head: KernelHead,
    span: slice,
    even: int,
    norms: np.ndarray,
    kernel: Kernel,
) -> str:
    """Add the values of one kernel with all rows; with a mirror their mean, as the kernel has it.

    See :meth:`mien.models.kernels.Kernel.evaluate`.
    """
    middle = span.start + even
    symmetric = _add_products(graph, coordinates, head, slice(span.start, middle))
    if head.shift is not None and kernel.name == "rise":
        own = graph.constant(head.shift[span.start : middle, None])
        shares = graph.add("MatMul", graph.take(coordinates, slice(span.start, middle)), own)
        symmetric = graph.add("Add", symmetric, graph.constant(norms[None, :]))
        symmetric = graph.add("Add", symmetric, shares)
    lengths = ""
    if kernel.name == "rbf":
        squares = graph.add("ReduceSumSquare", graph.take(coordinates, span), axes=[1])
        lengths = graph.add("Add", squares, graph.constant(norms[None, :]))
    if middle == span.stop:
        return _add_values(graph, symmetric, lengths, kernel)
    other = _add_products(graph, coordinates, head, slice(middle, span.stop))
    plus, minus = (
        _add_values(graph, graph.add(sign, symmetric, other), lengths, kernel)
        for sign in ("Add", "Sub")
    )
    return graph.add("Mul", graph.add("Add", plus, minus), graph.constant(0.5))


def _add_products(graph: _Graph, coordinates: str, head: KernelHead, span: slice) -> str:
    """Add the dot products with all rows over some columns; rows in 8 bits stay so in the file."""
    rows = head.rows[:, span]
    if head.step is None:
        name = graph.constant(rows)
    else:
        step = head.step[span]
        levels = graph.constant(to_levels(rows, step), np.int8)
        name = graph.add("Mul", graph.to_float(levels), graph.constant(step))
    return graph.add("Gemm", graph.take(coordinates, span), name, transB=1)


def _add_values(graph: _Graph, products: str, lengths: str, kernel: Kernel) -> str:
    """Add a kernel's values from dot products and, for ``rbf``, the sums of squared lengths."""
    if kernel.name == "rbf":
        doubled = graph.add("Mul", products, graph.constant(2.0))
        negative = graph.add("Min", graph.add("Sub", doubled, lengths), graph.constant(0.0))
        return graph.add("Exp", graph.add("Mul", negative, graph.constant(kernel.gamma)))
    scaled = graph.add("Mul", products, graph.constant(kernel.gamma))
    if kernel.name == "rise":
        values = scaled
        for _ in range(kernel.degree - 1):
            grown = graph.add("Mul", values, scaled)
            values = graph.add("Add", graph.add("Add", grown, values), scaled)
        return values
    if kernel.name != "poly":
        raise ValueError(f"{kernel.name} is not a kernel of a machine that keeps rows")
    values = shifted = graph.add("Add", scaled, graph.constant(kernel.coef0))
    for _ in range(kernel.degree - 1):
        values = graph.add("Mul", values, shifted)
    return values


class _Graph:
    """Nodes and arrays of a graph as it grows."""

    def __init__(self) -> None:
        self._onnx = import_optional("onnx", extra="onnx", purpose="Writing the format onnx")
        self._nodes: list[Any] = []
        self._arrays: list[Any] = []
        self._bytes = 0

    def constant(self, values: Any, dtype: type = np.float32) -> str:
        """Add an array, and return its name."""
        array = np.ascontiguousarray(values, dtype=dtype).reshape(np.shape(values))
        self._bytes += array.nbytes
        if self._bytes > LIMIT:
            raise MienError(
                "The model has more than 2 GB of numbers, and an ONNX file can hold no more.",
                "Write a smaller one with --max-size 1GB, or another format: --format skops.",
            )
        name = f"array_{len(self._arrays)}"
        self._arrays.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def add(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node of one output, and return the output's name."""
        name = output or f"{operator}_{len(self._nodes)}"
        self._nodes.append(self._onnx.helper.make_node(operator, inputs, [name], **attributes))
        return name

    def affine(self, values: str, weights: np.ndarray, constant: np.ndarray) -> str:
        """Add ``values @ weights + constant``."""
        return self.add("Gemm", values, self.constant(weights), self.constant(constant))

    def take(self, values: str, span: slice) -> str:
        """Add a choice of neighbouring columns."""
        edges = (self.constant([edge], np.int64) for edge in (span.start, span.stop, 1))
        return self.add("Slice", values, *edges)

    def to_float(self, values: str) -> str:
        """Add a cast to float32."""
        return self.add("Cast", values, to=self._onnx.TensorProto.FLOAT)

    def finish(self, width: int, n_classes: int) -> Any:
        """Return the model; onnx.ModelProto."""
        helper, types = self._onnx.helper, self._onnx.TensorProto
        graph = helper.make_graph(
            self._nodes,
            "mien",
            [helper.make_tensor_value_info(INPUT, types.FLOAT, ["n", width])],
            [
                helper.make_tensor_value_info(LABEL, types.INT64, ["n"]),
                helper.make_tensor_value_info(PROBABILITIES, types.FLOAT, ["n", n_classes]),
            ],
            self._arrays,
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR_VERSION,
            producer_name="mien",
            producer_version=mien.__version__,
        )
