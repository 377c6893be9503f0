"""Convolutions and pooling of the score network at the cost of an image's lit pixels, compiled by Numba.

A line has about 10 lit pixels, and 23 of the 196 outputs of the first pooling (here: cells) see one. A dark
cell is the bias of the first convolution, so the second convolution of an image is that of a dark image plus
what the lit cells add. Every operation is on the 16 channels of one place, in a fixed order and with fused
multiply-adds: all processors give the same bits.

Arrays are flat, with the 16 channels of a place next to each other. Everything is in this one file, since
Numba compiles anew only if the file of a function has changed; it does so on import, never during training.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import float32, int16, int64, njit, types, void
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic, models, register_model

from gradient_failures.problems.tuples.images import SIZE

CHANNELS = 16
KERNEL = 5
TAPS = KERNEL * KERNEL
REACH = KERNEL // 2

CELLS = SIZE // 2
"""Side of the maps after the first pooling, which the second convolution keeps."""

POOLED = CELLS // 2
"""Side of the maps after the second pooling."""

ROW = SIZE * CHANNELS
"""Numbers in a row of the first convolution's maps, of 28x28 places."""

WIDTH = CELLS + 2 * REACH
MAP = WIDTH * WIDTH * CHANNELS
WIDE_ROW = WIDTH * CHANNELS
"""The second convolution's maps have a margin, so that every cell has all 25 outputs that it adds to."""


class Register(types.Type):
    """16 float32, in one register of AVX-512 and in several of other processors."""

    def __init__(self) -> None:
        super().__init__(name="Register")


VECTOR = ir.VectorType(ir.FloatType(), CHANNELS)
register = Register()


@register_model(Register)
class _RegisterModel(models.PrimitiveModel):
    def __init__(self, manager: Any, register_type: Register) -> None:
        super().__init__(manager, register_type, VECTOR)


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), VECTOR.as_pointer())


def _broadcast(builder: Any, value: Any) -> Any:
    undefined, lane = ir.Constant(VECTOR, ir.Undefined), ir.Constant(ir.IntType(32), 0)
    lanes = ir.Constant(ir.VectorType(ir.IntType(32), CHANNELS), [0] * CHANNELS)
    return builder.shuffle_vector(builder.insert_element(undefined, value, lane), undefined, lanes)


@intrinsic
def load(_, array, index):
    """The 16 numbers of ``array`` from ``index`` on."""

    def code(context, builder, signature, arguments):
        loaded = builder.load(_pointer(context, builder, signature.args[0], *arguments))
        loaded.align = 4
        return loaded

    return register(array, index), code


@intrinsic
def store(_, array, index, value):
    """Put the 16 numbers of ``value`` into ``array`` from ``index`` on."""

    def code(context, builder, signature, arguments):
        place = _pointer(context, builder, signature.args[0], *arguments[:2])
        builder.store(arguments[2], place).align = 4
        return context.get_dummy_value()

    return void(array, index, value), code


@intrinsic
def fill(_, value):
    """16 times ``value``."""
    return register(float32), lambda context, builder, signature, arguments: _broadcast(builder, *arguments)


@intrinsic
def add(_, a, b):
    """a + b."""
    return register(a, b), lambda context, builder, signature, arguments: builder.fadd(*arguments)


@intrinsic
def fma(_, factor, a, b):
    """factor · a + b, for a number ``factor``, rounded once."""

    def code(context, builder, signature, arguments):
        factor, a, b = arguments
        kind = ir.FunctionType(VECTOR, [VECTOR] * 3)
        rounded_once = get_or_insert_function(builder.module, kind, f"llvm.fma.v{CHANNELS}f32")
        return builder.call(rounded_once, [_broadcast(builder, factor), a, b])

    return register(float32, a, b), code


@intrinsic
def maximum(_, a, b):
    """The larger of a and b; NaN if one is."""

    def code(context, builder, signature, arguments):
        a, b = arguments
        larger = builder.select(builder.fcmp_ordered(">=", a, b), a, b)
        return builder.select(builder.fcmp_unordered("uno", a, a), a, larger)

    return register(a, b), code


@intrinsic
def where_equal(_, a, b, yes, no):
    """``yes`` where a = b, else ``no``."""

    def code(context, builder, signature, arguments):
        a, b, yes, no = arguments
        return builder.select(builder.fcmp_ordered("==", a, b), yes, no)

    return register(a, b, yes, no), code


def _compiled(signature: Any = None) -> Any:
    """Compile a function: now if it is given its ``signature``, else as part of those that call it."""
    options = {"error_model": "numpy", "boundscheck": False}
    return njit(signature, cache=True, nogil=True, **options) if signature else njit(**options)


@_compiled()
def _rows(matrix, start):
    """Eight rows of a matrix, from its number ``start`` on."""
    return (
        load(matrix, start),
        load(matrix, start + 16),
        load(matrix, start + 32),
        load(matrix, start + 48),
        load(matrix, start + 64),
        load(matrix, start + 80),
        load(matrix, start + 96),
        load(matrix, start + 112),
    )


@_compiled()
def _product(vector, at, rows, total):
    """``total`` + Σ_i vector[at + i] · rows[i], for eight rows."""
    total = fma(vector[at], rows[0], total)
    total = fma(vector[at + 1], rows[1], total)
    total = fma(vector[at + 2], rows[2], total)
    total = fma(vector[at + 3], rows[3], total)
    total = fma(vector[at + 4], rows[4], total)
    total = fma(vector[at + 5], rows[5], total)
    total = fma(vector[at + 6], rows[6], total)
    return fma(vector[at + 7], rows[7], total)


@_compiled()
def _outer(vector, at, row, rows):
    """rows[i] + vector[at + i] · row, for eight rows."""
    return (
        fma(vector[at], row, rows[0]),
        fma(vector[at + 1], row, rows[1]),
        fma(vector[at + 2], row, rows[2]),
        fma(vector[at + 3], row, rows[3]),
        fma(vector[at + 4], row, rows[4]),
        fma(vector[at + 5], row, rows[5]),
        fma(vector[at + 6], row, rows[6]),
        fma(vector[at + 7], row, rows[7]),
    )


@_compiled()
def _put(matrix, start, rows):
    store(matrix, start, rows[0])
    store(matrix, start + 16, rows[1])
    store(matrix, start + 32, rows[2])
    store(matrix, start + 48, rows[3])
    store(matrix, start + 64, rows[4])
    store(matrix, start + 80, rows[5])
    store(matrix, start + 96, rows[6])
    store(matrix, start + 112, rows[7])


@_compiled()
def _offset(tap):
    """From the corner of a cell's 25 outputs to that which sees the cell through ``tap`` of the kernel."""
    return ((KERNEL - 1 - tap // KERNEL) * WIDTH + KERNEL - 1 - tap % KERNEL) * CHANNELS


@_compiled()
def _corner(cell):
    """Corner of the 25 outputs of the second convolution that see ``cell``, in a map with a margin."""
    return (cell // CELLS * WIDTH + cell % CELLS) * CHANNELS


@_compiled()
def _square(cell, row):
    """First of the four places that are pooled to ``cell``, in a map of twice its size."""
    return (cell // CELLS * 2) * row + (cell % CELLS * 2) * CHANNELS


@_compiled()
def _pool(places, at, row):
    """The largest of four places, and which is the first of them that it is: 0 to 3."""
    a, b = load(places, at), load(places, at + CHANNELS)
    c, d = load(places, at + row), load(places, at + row + CHANNELS)
    largest = maximum(maximum(a, b), maximum(c, d))
    below = where_equal(c, largest, fill(float32(2)), fill(float32(3)))
    above = where_equal(b, largest, fill(float32(1)), below)
    return largest, where_equal(a, largest, fill(float32(0)), above)


@_compiled()
def _unpool(value, choice, places, at, row):
    """Put ``value`` at the place of ``choice``, and 0 at the three others."""
    zero = fill(float32(0))
    store(places, at, where_equal(choice, fill(float32(0)), value, zero))
    store(places, at + CHANNELS, where_equal(choice, fill(float32(1)), value, zero))
    store(places, at + row, where_equal(choice, fill(float32(2)), value, zero))
    store(places, at + row + CHANNELS, where_equal(choice, fill(float32(3)), value, zero))


@_compiled()
def _taps(place):
    """First and last tap whose output lies inside the image, in one direction, for a pixel at ``place``."""
    return max(0, place + REACH - SIZE + 1), min(KERNEL - 1, place + REACH)


@_compiled()
def _through_kernel(lit, kernel, places, backwards):
    """Add the first kernel to the places that see the pixels of one image; backwards, the places to it."""
    for pixel in lit:
        y, x = pixel // SIZE, pixel % SIZE
        first_row, last_row = _taps(y)
        first_column, last_column = _taps(x)
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                place = ((y + REACH - row) * SIZE + x + REACH - column) * CHANNELS
                tap = (row * KERNEL + column) * CHANNELS
                if backwards:
                    store(kernel, tap, add(load(kernel, tap), load(places, place)))
                else:
                    store(places, place, add(load(places, place), load(kernel, tap)))


@_compiled()
def _first_convolution(lit, kernel, cells, places, pooled, choices):
    """The maps of one image at the places of its ``cells``, and their pooling."""
    for cell in cells:
        at = _square(cell, ROW)
        for place in (at, at + CHANNELS, at + ROW, at + ROW + CHANNELS):
            store(places, place, fill(float32(0)))
    _through_kernel(lit, kernel, places, False)
    for number, cell in enumerate(cells):
        largest, choice = _pool(places, _square(cell, ROW), ROW)
        store(pooled, number * CHANNELS, largest)
        store(choices, number * CHANNELS, choice)


@_compiled()
def _second_convolution(pooled, cells, kernels, maps):
    """Add what ``cells`` add to the maps of one image."""
    for tap in range(TAPS):
        matrix, offset = tap * CHANNELS * CHANNELS, _offset(tap)
        low, high = _rows(kernels, matrix), _rows(kernels, matrix + 8 * CHANNELS)
        for number, cell in enumerate(cells):
            at = _corner(cell) + offset
            half = _product(pooled, number * CHANNELS, low, load(maps, at))
            other = _product(pooled, number * CHANNELS + 8, high, fill(float32(0)))
            store(maps, at, add(half, other))


@_compiled()
def _to_cells(errors, cells, transposed, at_cells):
    """Gradient of ``cells`` from that of the maps of one image."""
    for number in range(len(cells)):
        store(at_cells, number * CHANNELS, fill(float32(0)))
    for tap in range(TAPS):
        matrix, offset = tap * CHANNELS * CHANNELS, _offset(tap)
        low, high = _rows(transposed, matrix), _rows(transposed, matrix + 8 * CHANNELS)
        for number, cell in enumerate(cells):
            at = _corner(cell) + offset
            half = _product(errors, at, low, load(at_cells, number * CHANNELS))
            other = _product(errors, at + 8, high, fill(float32(0)))
            store(at_cells, number * CHANNELS, add(half, other))


@_compiled()
def _to_kernels(errors, cells, pooled, of_kernels):
    """Add what ``cells`` of one image add to the gradient of the second kernels."""
    for tap in range(TAPS):
        matrix, offset = tap * CHANNELS * CHANNELS, _offset(tap)
        low, high = _rows(of_kernels, matrix), _rows(of_kernels, matrix + 8 * CHANNELS)
        for number, cell in enumerate(cells):
            error = load(errors, _corner(cell) + offset)
            low = _outer(pooled, number * CHANNELS, error, low)
            high = _outer(pooled, number * CHANNELS + 8, error, high)
        _put(of_kernels, matrix, low)
        _put(of_kernels, matrix + 8 * CHANNELS, high)


NUMBERS, PLACES, COUNTS = float32[::1], int16[:, ::1], int64[::1]


@_compiled(void(PLACES, PLACES, COUNTS, PLACES, COUNTS))
def find_light(pixels, lit, n_lit, cells, n_cells):
    """The different pixels of each image, and the cells that see one.

    Parameters
    ----------
    pixels : y·28 + x of each pixel, or -1; shape (n, any).
    lit, n_lit : where to put the different ones in the order of ``pixels``, and how many they are.
    cells, n_cells : where to put the cells, i·14 + j, and how many they are; (n, 196) and (n,).
    """
    is_lit, sees = np.empty(SIZE * SIZE, np.bool_), np.empty(CELLS * CELLS, np.bool_)
    for image in range(len(pixels)):
        is_lit[:], sees[:] = False, False
        n_lit[image] = n_cells[image] = 0
        for pixel in pixels[image]:
            if pixel < 0 or is_lit[pixel]:
                continue
            is_lit[pixel] = True
            lit[image, n_lit[image]] = pixel
            n_lit[image] += 1
            y, x = pixel // SIZE, pixel % SIZE
            for i in range(max(y - REACH, 0) // 2, min((y + REACH) // 2, CELLS - 1) + 1):
                for j in range(max(x - REACH, 0) // 2, min((x + REACH) // 2, CELLS - 1) + 1):
                    if not sees[i * CELLS + j]:
                        sees[i * CELLS + j] = True
                        cells[image, n_cells[image]] = i * CELLS + j
                        n_cells[image] += 1


@_compiled(void(*[NUMBERS] * 3))
def add_dark(bias, kernels, maps):
    """Add the second convolution of ``bias``, which all cells of a dark image are, to ``maps``."""
    for tap in range(TAPS):
        matrix = tap * CHANNELS * CHANNELS
        low, high = _rows(kernels, matrix), _rows(kernels, matrix + 8 * CHANNELS)
        value = _product(bias, 8, high, _product(bias, 0, low, fill(float32(0))))
        for cell in range(CELLS * CELLS):
            at = _corner(cell) + _offset(tap)
            store(maps, at, add(load(maps, at), value))


@_compiled(void(PLACES, COUNTS, PLACES, COUNTS, *[NUMBERS] * 7))
def forward(lit, n_lit, cells, n_cells, kernel, kernels, dark, cell_values, cell_choices, pooled, choices):
    """The pooled second convolution of each image.

    Parameters
    ----------
    lit, n_lit, cells, n_cells : as :func:`find_light` gives them.
    kernel, kernels : of the convolutions; (25, 16) and (25, 16 in, 16 out).
    dark : the maps of a dark image, (18, 18, 16) with the margin.
    cell_values, cell_choices : where to put what cells have beyond the bias, and which of four places it is
        from; (cells of all images, 16).
    pooled, choices : where to put the result, and which of four places it is from; (n, 7, 7, 16).
    """
    places, maps = np.empty(SIZE * ROW, np.float32), np.empty(MAP, np.float32)
    first = 0
    for image in range(len(lit)):
        own = slice(first * CHANNELS, (first + n_cells[image]) * CHANNELS)
        seeing = cells[image, : n_cells[image]]
        values = cell_values[own]
        _first_convolution(lit[image, : n_lit[image]], kernel, seeing, places, values, cell_choices[own])
        for at in range(0, MAP, CHANNELS):
            store(maps, at, load(dark, at))
        _second_convolution(values, seeing, kernels, maps)
        for i in range(POOLED):
            for j in range(POOLED):
                at = ((2 * i + REACH) * WIDTH + 2 * j + REACH) * CHANNELS
                largest, choice = _pool(maps, at, WIDE_ROW)
                result = ((image * POOLED + i) * POOLED + j) * CHANNELS
                store(pooled, result, largest)
                store(choices, result, choice)
        first += n_cells[image]


@_compiled(void(PLACES, COUNTS, PLACES, COUNTS, *[NUMBERS] * 8))
def backward(
    lit,
    n_lit,
    cells,
    n_cells,
    cell_values,
    cell_choices,
    choices,
    errors,
    transposed,
    of_kernel,
    of_kernels,
    of_maps,
):
    """The gradient of both kernels from that of the result, but for the share of the dark cells.

    Parameters
    ----------
    errors : gradient of the result, (n, 7, 7, 16).
    transposed : the kernels of the second convolution, (25, 16 out, 16 in).
    of_kernel, of_kernels : where to add the gradients; (25, 16) and (25, 16 in, 16 out).
    of_maps : where to add that of the second convolution's maps, over all images; (18, 18, 16).
    """
    at_maps, at_places = np.zeros(MAP, np.float32), np.empty(SIZE * ROW, np.float32)
    at_cells = np.empty(CELLS * CELLS * CHANNELS, np.float32)
    first = 0
    for image in range(len(lit)):
        own = slice(first * CHANNELS, (first + n_cells[image]) * CHANNELS)
        seeing = cells[image, : n_cells[image]]
        for i in range(POOLED):
            for j in range(POOLED):
                result = ((image * POOLED + i) * POOLED + j) * CHANNELS
                at = ((2 * i + REACH) * WIDTH + 2 * j + REACH) * CHANNELS
                _unpool(load(errors, result), load(choices, result), at_maps, at, WIDE_ROW)
        for at in range(0, MAP, CHANNELS):
            store(of_maps, at, add(load(of_maps, at), load(at_maps, at)))
        _to_kernels(at_maps, seeing, cell_values[own], of_kernels)
        _to_cells(at_maps, seeing, transposed, at_cells)
        for number, cell in enumerate(seeing):
            of_cell = load(at_cells, number * CHANNELS)
            choice = load(cell_choices, (first + number) * CHANNELS)
            _unpool(of_cell, choice, at_places, _square(cell, ROW), ROW)
        _through_kernel(lit[image, : n_lit[image]], of_kernel, at_places, True)
        first += n_cells[image]


@_compiled(void(*[NUMBERS] * 5))
def add_dark_gradient(of_maps, bias, transposed, of_bias, of_kernels):
    """Put the gradient of the bias, and add to that of the kernels what cells do as far as they are the bias.

    Parameters are those of :func:`add_dark` and :func:`backward`.
    """
    at_bias = fill(float32(0))
    error = np.empty(CHANNELS, np.float32)
    for tap in range(TAPS):
        matrix = tap * CHANNELS * CHANNELS
        seen = fill(float32(0))
        for cell in range(CELLS * CELLS):
            seen = add(seen, load(of_maps, _corner(cell) + _offset(tap)))
        store(error, 0, seen)
        for half in (0, 8):
            rows = _rows(transposed, matrix + half * CHANNELS)
            at_bias = _product(error, half, rows, at_bias)
            start = matrix + half * CHANNELS
            _put(of_kernels, start, _outer(bias, half, seen, _rows(of_kernels, start)))
    store(of_bias, 0, at_bias)
