"""Filters along the sides of images, for backends without fast ones of their own."""

import functools
import math

import numpy as np
from keras import ops

LONGEST = 128  # side of the result up to which a matrix is used


def upfirdn(x, taps, up, down, padding):
    """Filters up and down; see `keras_gans.backend`.

    It is linear, and a side's samples are few: up to 128 it is a product with a matrix,
    fast forward and backward. Longer sides are written as sums of shifted images, each
    phase of the output by itself, so that no zero is multiplied.
    """
    _, height, width, channels = x.shape
    given = (taps, up, down, padding)
    counts = [samples_after(length, *given) for length in (height, width)]
    if max(counts) > LONGEST:
        for axis in (1, 2):
            x = _along(x, axis, *given)
        return x
    of_rows, of_columns = (
        ops.convert_to_tensor(matrix(length, *given), x.dtype)
        for length in (height, width)
    )
    x = ops.matmul(of_rows, ops.reshape(x, (-1, height, width * channels)))
    x = ops.matmul(of_columns, ops.reshape(x, (-1, width, channels)))
    return ops.reshape(x, (-1, *counts, channels))


def samples_after(length, taps, up, down, padding):
    """How many samples come out of a side's."""
    return (up * length + sum(padding) - len(taps)) // down + 1


@functools.cache
def matrix(length, taps, up, down, padding):
    """The operation along a side as a matrix, `(samples after, length)`, float32."""
    count = samples_after(length, taps, up, down, padding)
    result = np.zeros((count, length), "float32")
    for row in range(count):
        for k, tap in enumerate(taps):
            place = down * row + k - padding[0]
            if place % up == 0 and 0 <= place // up < length:
                result[row, place // up] += tap
    return result


def _along(x, axis, taps, up, down, padding):
    length = x.shape[axis]
    count = samples_after(length, taps, up, down, padding)
    # Outputs m * period + phase read inputs m * stride + shift.
    period = up // math.gcd(up, down)
    stride = down * period // up
    phases = []
    for phase in range(min(period, count)):
        first = down * phase - padding[0]
        shifts = {
            (first + k) // up: tap
            for k, tap in enumerate(taps)
            if (first + k) % up == 0
        }
        phases.append((-(-(count - phase) // period), shifts))
    before = max(0, *(-min(shifts, default=0) for _, shifts in phases))
    after = max(
        0,
        *(
            (outputs - 1) * stride + max(shifts, default=0) - (length - 1)
            for outputs, shifts in phases
        ),
    )
    if before or after:
        pads = [(0, 0)] * len(x.shape)
        pads[axis] = (before, after)
        x = ops.pad(x, pads)
    index = [slice(None)] * len(x.shape)
    results = []
    for outputs, shifts in phases:
        total = None
        for shift, tap in shifts.items():
            if tap == 0.0:
                continue
            begin = before + shift
            index[axis] = slice(begin, begin + (outputs - 1) * stride + 1, stride)
            term = x[tuple(index)] * tap
            total = term if total is None else total + term
        if total is None:
            index[axis] = slice(0, outputs)
            total = ops.zeros_like(x[tuple(index)])
        results.append(total)
    if len(results) == 1:
        return results[0]
    return _interleave(results, axis, count)


def _interleave(phases, axis, count):
    """The phases by turns along an axis; the last ones may be shorter by one."""
    full = phases[0].shape[axis]
    for i, phase in enumerate(phases):
        if phase.shape[axis] < full:
            pads = [(0, 0)] * len(phase.shape)
            pads[axis] = (0, 1)
            phases[i] = ops.pad(phase, pads)
    x = ops.stack(phases, axis=axis + 1)
    shape = list(phases[0].shape)
    shape[0], shape[axis] = -1, full * len(phases)
    x = ops.reshape(x, shape)
    if full * len(phases) == count:
        return x
    index = [slice(None)] * len(shape)
    index[axis] = slice(0, count)
    return x[tuple(index)]
