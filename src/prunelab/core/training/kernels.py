"""Perceptrons' gradients and outputs, compiled: one call for a batch, whatever the layers.

Shapes: B examples in a batch, N stored, I inputs and O outputs of a layer, S surviving weights of a sparse one, K
classes. Activations lie feature by feature, [I, B], because a surviving weight then joins two contiguous rows; only
the inputs of a dense first layer lie example by example, [B, I], as they are stored.

A network is a vector of parameters and a table with a row for each layer, whose columns have the names below; layers.py
makes both. All functions work in float32 or float64, whichever the vector is of, and stay in one file (compiled.py).
"""

import numba
import numpy as np

# Numba's matrix products are SciPy's: loaded now, so that a limit of threads finds it.
import scipy.linalg.cython_blas  # noqa: F401

from prunelab.core.training import compiled

# Columns. Places are positions in the vector of parameters (WEIGHTS, BIAS) or in that of indices.
SPARSE = 0  # 1: only survivors stand in the vector
INPUTS = 1  # I
OUTPUTS = 2  # O, those that are computed
WEIGHTS, BIAS = 3, 4
KEPT, BIASES = 5, 6  # how many of each there are; those of outputs that are not computed stand last
STARTS, FROM = 7, 8  # by output: where its survivors begin [O + 1], the input of each [S]
INPUT_STARTS, TO, ORDER = 9, 10, 11  # by input: where they begin [I + 1], the output and place by output of each [S]
ABOVE = 12  # features of all layers before this one
COLUMNS = 13


@compiled.compiled
def gradients(table, parameters, index, rows_NI, batch_B, labels_B, activations, errors, by_parameters):  # type: ignore[no-untyped-def]
    """Of the mean cross-entropy, by every parameter; and the outputs, which are left in `activations`.

    Args:
        table: [layers, COLUMNS] int64.
        parameters: the vector.
        index: int32.
        rows_NI: examples, of which
        batch_B: are those of the batch, int64.
        labels_B: theirs, int64.
        activations: room for B of each feature, of inputs and of all layers' outputs.
        errors: as much.
        by_parameters: the gradient, as long as `parameters`.
    """
    last, B = len(table) - 1, len(batch_B)
    if table[0, SPARSE]:
        inputs = _matrix(activations, 0, table[0, INPUTS], B)
        _gather_by_feature(rows_NI, batch_B, inputs)
    else:
        inputs = _matrix(activations, 0, B, table[0, INPUTS])
        _gather(rows_NI, batch_B, inputs)
    _forward(table, parameters, index, inputs, activations, B)
    above = table[last, ABOVE] + table[last, INPUTS]
    error_OB = _matrix(errors, above * B, table[last, OUTPUTS], B)
    _softmax_minus_one(_matrix(activations, above * B, table[last, OUTPUTS], B), labels_B, error_OB)
    for layer in range(last, -1, -1):
        sparse, I, O = table[layer, SPARSE], table[layer, INPUTS], table[layer, OUTPUTS]
        weights, bias = table[layer, WEIGHTS], table[layer, BIAS]
        error_OB = _matrix(errors, (table[layer, ABOVE] + I) * B, O, B)
        x_IB = _matrix(activations, table[layer, ABOVE] * B, I, B)
        if sparse:
            starts, sources = index[table[layer, STARTS] :], index[table[layer, FROM] :]
            products(error_OB, x_IB, starts, sources, by_parameters[weights:])
            by_parameters[weights + starts[O] : weights + table[layer, KEPT]] = 0
            by_parameters[bias + O : bias + table[layer, BIASES]] = 0
        elif layer:
            np.dot(error_OB, x_IB.T, _matrix(by_parameters, weights, O, I))
        else:
            np.dot(error_OB, inputs, _matrix(by_parameters, weights, O, I))
        _sums(error_OB, by_parameters[bias:])
        if not layer:
            return
        below_IB = _matrix(errors, table[layer, ABOVE] * B, I, B)
        if sparse:
            begins, to = index[table[layer, INPUT_STARTS] :], index[table[layer, TO] :]
            bags_by_input(error_OB, begins, to, index[table[layer, ORDER] :], parameters[weights:], below_IB)
        else:
            np.dot(_matrix(parameters, weights, O, I).T, error_OB, below_IB)
        _where_positive(below_IB, x_IB)


@compiled.compiled
def outputs(table, parameters, index, inputs, activations, start, out_KN):  # type: ignore[no-untyped-def]
    """Of B examples at once.

    Args:
        table: as above.
        parameters: as above.
        index: as above.
        inputs: [I, B] of a sparse first layer, else [B, I].
        activations: room as above.
        start: the first one's position among N.
        out_KN: where the outputs go.
    """
    B = inputs.shape[1] if table[0, SPARSE] else inputs.shape[0]
    last = len(table) - 1
    _forward(table, parameters, index, inputs, activations, B)
    above = table[last, ABOVE] + table[last, INPUTS]
    out_KN[:, start : start + B] = _matrix(activations, above * B, table[last, OUTPUTS], B)


@compiled.compiled
def _forward(table, parameters, index, inputs, activations, B):  # type: ignore[no-untyped-def]
    """All layers' outputs, after ReLU but for the last one's; `inputs` as in `outputs`."""
    last = len(table) - 1
    for layer in range(last + 1):
        I, O, weights = table[layer, INPUTS], table[layer, OUTPUTS], table[layer, WEIGHTS]
        x_IB = _matrix(activations, table[layer, ABOVE] * B, I, B) if layer else inputs
        out_OB = _matrix(activations, (table[layer, ABOVE] + I) * B, O, B)
        bias_O = parameters[table[layer, BIAS] :]
        if table[layer, SPARSE]:
            starts, sources = index[table[layer, STARTS] :], index[table[layer, FROM] :]
            bags(x_IB, starts, sources, parameters[weights:], bias_O, out_OB)
            _add(out_OB, bias_O, False, layer < last)
            continue
        matrix_OI = _matrix(parameters, weights, O, I)
        if layer:
            np.dot(matrix_OI, x_IB, out_OB)
        else:
            np.dot(matrix_OI, inputs.T, out_OB)
        _add(out_OB, bias_O, True, layer < last)


@compiled.compiled
def _matrix(vector, start, rows, columns):  # type: ignore[no-untyped-def]
    """A part of a vector as a matrix."""
    return vector[start : start + rows * columns].reshape((rows, columns))


@compiled.compiled
def _gather(rows_NI, batch_B, out_BI):  # type: ignore[no-untyped-def]
    for b in range(len(batch_B)):
        out_BI[b] = rows_NI[batch_B[b]]


@compiled.compiled
def _gather_by_feature(rows_NI, batch_B, out_IB):  # type: ignore[no-untyped-def]
    """In squares, so that neither reads nor writes stride through memory."""
    I, B = out_IB.shape
    for b0 in range(0, B, 16):
        for i0 in range(0, I, 16):
            for b in range(b0, min(B, b0 + 16)):
                row = rows_NI[batch_B[b]]
                for i in range(i0, min(I, i0 + 16)):
                    out_IB[i, b] = row[i]


@compiled.compiled
def bags(x_IB, starts, sources, weights, bias_O, out_OB):  # type: ignore[no-untyped-def]
    """Each output: its bias, and the rows that its weights stand on, each times its weight; four at a time."""
    O, B = out_OB.shape
    for o in range(O):
        out, s, end = out_OB[o], starts[o], starts[o + 1]
        out[:] = bias_O[o]
        while s + 4 <= end:
            x0, x1, x2, x3 = x_IB[sources[s]], x_IB[sources[s + 1]], x_IB[sources[s + 2]], x_IB[sources[s + 3]]
            w0, w1, w2, w3 = weights[s], weights[s + 1], weights[s + 2], weights[s + 3]
            for b in range(B):
                out[b] += (w0 * x0[b] + w1 * x1[b]) + (w2 * x2[b] + w3 * x3[b])
            s += 4
        while s < end:
            x0, w0 = x_IB[sources[s]], weights[s]
            for b in range(B):
                out[b] += w0 * x0[b]
            s += 1


@compiled.compiled
def bags_by_input(error_OB, starts, to, order, weights, out_IB):  # type: ignore[no-untyped-def]
    """Gradient by the inputs: each sums the errors that it goes to, each times the weight."""
    I, B = out_IB.shape
    for i in range(I):
        out, s, end = out_IB[i], starts[i], starts[i + 1]
        out[:] = 0
        while s + 4 <= end:
            e0, e1, e2, e3 = error_OB[to[s]], error_OB[to[s + 1]], error_OB[to[s + 2]], error_OB[to[s + 3]]
            w0, w1, w2, w3 = weights[order[s]], weights[order[s + 1]], weights[order[s + 2]], weights[order[s + 3]]
            for b in range(B):
                out[b] += (w0 * e0[b] + w1 * e1[b]) + (w2 * e2[b] + w3 * e3[b])
            s += 4
        while s < end:
            e0, w0 = error_OB[to[s]], weights[order[s]]
            for b in range(B):
                out[b] += w0 * e0[b]
            s += 1


@compiled.compiled
def products(error_OB, x_IB, starts, sources, out_S):  # type: ignore[no-untyped-def]
    """Gradient by survivors: of each, the product of the two rows that it joins; four at a time."""
    O, B = error_OB.shape
    for o in range(O):
        error, s, end = error_OB[o], starts[o], starts[o + 1]
        while s + 4 <= end:
            x0, x1, x2, x3 = x_IB[sources[s]], x_IB[sources[s + 1]], x_IB[sources[s + 2]], x_IB[sources[s + 3]]
            t0, t1, t2, t3 = error[0] * x0[0], error[0] * x1[0], error[0] * x2[0], error[0] * x3[0]
            for b in range(1, B):
                t0 += error[b] * x0[b]
                t1 += error[b] * x1[b]
                t2 += error[b] * x2[b]
                t3 += error[b] * x3[b]
            out_S[s], out_S[s + 1], out_S[s + 2], out_S[s + 3] = t0, t1, t2, t3
            s += 4
        while s < end:
            x0 = x_IB[sources[s]]
            t0 = error[0] * x0[0]
            for b in range(1, B):
                t0 += error[b] * x0[b]
            out_S[s] = t0
            s += 1


@compiled.compiled
def _add(out_OB, bias_O, biased, positive):  # type: ignore[no-untyped-def]
    """Add the biases if `biased`, then ReLU if `positive`. NaN stays NaN, so that divergence is seen."""
    O, B = out_OB.shape
    zero = out_OB.dtype.type(0)
    for o in range(O):
        row = out_OB[o]
        bias = bias_O[o] if biased else zero
        if positive:
            for b in range(B):
                value = row[b] + bias
                row[b] = zero if value < zero else value
        elif biased:
            for b in range(B):
                row[b] += bias


@compiled.compiled
def _where_positive(error_IB, x_IB):  # type: ignore[no-untyped-def]
    """What came out of ReLU as zero passes nothing back."""
    I, B = x_IB.shape
    zero = x_IB.dtype.type(0)
    for i in range(I):
        error, x = error_IB[i], x_IB[i]
        for b in range(B):
            value = error[b]
            error[b] = zero if x[b] <= zero else value


@compiled.compiled
def _sums(error_OB, out_O):  # type: ignore[no-untyped-def]
    """Over examples."""
    O, B = error_OB.shape
    for o in range(O):
        total = error_OB[o, 0]
        for b in range(1, B):
            total += error_OB[o, b]
        out_O[o] = total


@compiled.compiled
def _softmax_minus_one(logits_KB, labels_B, out_KB):  # type: ignore[no-untyped-def]
    """The gradient of the mean cross-entropy by the outputs: probabilities, minus one at the label, over B."""
    K, B = logits_KB.shape
    share = out_KB.dtype.type(1) / out_KB.dtype.type(B)
    for b in range(B):
        most = logits_KB[0, b]
        for k in range(1, K):
            most = max(most, logits_KB[k, b])
        total = out_KB.dtype.type(0)
        for k in range(K):
            out_KB[k, b] = np.exp(logits_KB[k, b] - most)
            total += out_KB[k, b]
        scale = share / total
        for k in range(K):
            out_KB[k, b] *= scale
        out_KB[labels_B[b], b] -= share


def load() -> None:
    """Have both ready for float32, from the cache or compiled: before processes are forked, or each would do it."""
    numbers, matrix, places = numba.float32[::1], numba.float32[:, ::1], numba.int64[::1]
    network = (numba.int64[:, ::1], numbers, numba.int32[::1])
    compiled.load(gradients, (*network, matrix, places, places, numbers, numbers, numbers))
    compiled.load(outputs, (*network, matrix, numbers, numba.int64, matrix))
