# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
"""Tiles: a chain of numpy's own inner loops, run over pieces of arrays that stay in the first-level cache.

A chain of elementwise operations costs memory traffic, not arithmetic, when each operation goes over whole arrays. Here
each one goes over a tile, of some hundred elements, and the next one finds it in the cache; a fold (sum, max, ...) at
the end takes the tile up before it is overwritten. The loops are those that numpy calls itself, with its vector
instructions, so that results of elementwise chains are the same bits.

An instruction reads operands and writes one. Operands are numbered: the inputs, the constants, the temporaries; the last
number is the result. The compiler of programs is `plait.lazy.array.kernels`; here is only what runs.

Floating-point flags are looked at after each instruction, since some loops clear them: what was raised is told, so that
the caller can have numpy itself warn.

Source of the loops' interface: numpy's C API, PyUFuncObject (functions, data, types) and PyArray_ArrFuncs.cast.
"""

from cpython.mem cimport PyMem_Calloc, PyMem_Free
from cpython.ref cimport PyObject
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

cdef extern from "fenv.h" nogil:
    int FE_DIVBYZERO, FE_INVALID, FE_OVERFLOW, FE_UNDERFLOW
    int feclearexcept(int)
    int fetestexcept(int)

cdef extern from *:
    """
    #define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
    #include <numpy/arrayobject.h>
    #include <numpy/ufuncobject.h>
    #define AS_ARRAY(object) ((PyArrayObject *)(object))
    #define ARRAY_ISBEHAVED_RO(object) PyArray_ISBEHAVED_RO(AS_ARRAY(object))
    #define ARRAY_NDIM(object) PyArray_NDIM(AS_ARRAY(object))
    #define ARRAY_DIMS(object) PyArray_DIMS(AS_ARRAY(object))
    #define ARRAY_STRIDES(object) PyArray_STRIDES(AS_ARRAY(object))
    #define ARRAY_BYTES(object) PyArray_BYTES(AS_ARRAY(object))
    #define ARRAY_ITEMSIZE(object) PyArray_ITEMSIZE(AS_ARRAY(object))
    #define ARRAY_TRANSPOSE(object, order) PyArray_Transpose(AS_ARRAY(object), order)
    """

cdef extern from "numpy/arrayobject.h":
    ctypedef Py_ssize_t npy_intp
    ctypedef struct PyArray_Descr:
        int type_num
    ctypedef void (*CastLoop "PyArray_VectorUnaryFunc *")(void *, void *, npy_intp, void *, void *) noexcept nogil
    ctypedef struct PyArray_ArrFuncs:
        CastLoop *cast
    ctypedef struct PyArray_Dims:
        npy_intp *ptr
        int len
    int _import_array() except -1
    int NPY_NTYPES_ABI_COMPATIBLE
    bint ARRAY_ISBEHAVED_RO(object)
    int ARRAY_NDIM(object)
    npy_intp *ARRAY_DIMS(object)
    npy_intp *ARRAY_STRIDES(object)
    char *ARRAY_BYTES(object)
    npy_intp ARRAY_ITEMSIZE(object)
    PyArray_ArrFuncs *PyDataType_GetArrFuncs(PyArray_Descr *)
    object PyArray_Empty(int, npy_intp *, PyArray_Descr *, int)
    object ARRAY_TRANSPOSE(object, PyArray_Dims *)

cdef extern from "numpy/ufuncobject.h":
    ctypedef void (*Loop "PyUFuncGenericFunction")(char **, const npy_intp *, const npy_intp *, void *) noexcept nogil
    ctypedef struct PyUFuncObject:
        int nin
        int nout
        Loop *functions
        void **data
        int ntypes
    int _import_umath() except -1

cdef extern from "Python.h":
    void Py_INCREF(object)
    PyObject *PyErr_Occurred()
    void PyErr_Clear()

_import_array()
_import_umath()

cdef enum:
    AXES = 16
    OPERANDS = 64
    READS = 3
    RUN = 64  # tiles that are folded before what they give is folded into the result: errors of sums stay small

cdef enum:
    CALL
    CAST
    SELECT
    MOVE

cdef struct Instruction:
    int kind
    Loop loop
    void *data
    CastLoop cast
    int reads[READS]
    int count
    int write
    npy_intp itemsize  # of what SELECT and MOVE move

cdef struct Operand:
    char *start  # of an input: its data at the current place of the outer axes
    char *at
    npy_intp step

cdef struct Strides:
    npy_intp along[AXES]

# What a run is about: axes without the innermost, which is gone over in tiles.
cdef struct Walk:
    int axes
    npy_intp lengths[AXES]
    npy_intp inner
    npy_intp size


class UnsupportedError(TypeError):
    """No loop of numpy's does this on such elements."""


cdef class Tiles:
    """A compiled program. See the module, and `add_call` and its like for its instructions.

    inputs, temporaries: how many; constants: arrays without axes. itemsizes: of the temporaries. result: its dtype.
    fold: None, or (ufunc, place in its types, operand, identity), which makes the result of an operand's elements.
    """

    cdef int inputs, constants, temporaries, result_operand, count, tile
    cdef Instruction *code
    cdef object held, result
    cdef npy_intp result_size
    cdef npy_intp *widths
    cdef npy_intp buffers  # bytes of all temporaries
    cdef Loop fold_loop
    cdef void *fold_data
    cdef int fold_read
    cdef double identity[4]  # as many bytes as an element has at most
    cdef bint folds

    def __cinit__(self, int inputs, list constants, list itemsizes, int instructions, object result, int tile):
        cdef int i
        if inputs + len(constants) + len(itemsizes) + 1 > OPERANDS:
            raise UnsupportedError("more operands than a kernel has")
        self.code = <Instruction *> PyMem_Calloc(instructions + 1, sizeof(Instruction))
        self.widths = <npy_intp *> PyMem_Calloc(len(itemsizes) + 1, sizeof(npy_intp))
        if self.code == NULL or self.widths == NULL:
            raise MemoryError
        self.inputs = inputs
        self.constants = len(constants)
        self.temporaries = len(itemsizes)
        self.result_operand = inputs + self.constants + self.temporaries
        self.held = constants
        self.result = result
        self.result_size = result.itemsize
        self.tile = tile
        self.buffers = 0
        for i in range(self.temporaries):
            self.widths[i] = itemsizes[i]
            self.buffers += _rounded(self.widths[i] * tile)

    def __dealloc__(self):
        PyMem_Free(self.code)
        PyMem_Free(self.widths)

    def add_call(self, ufunc, int place, tuple reads, int write):
        """The ufunc's loop for the types at a place of its list."""
        cdef Instruction *made = self._next(CALL, reads, write)
        cdef PyUFuncObject *called = <PyUFuncObject *> <void *> ufunc
        made.loop = called.functions[place]
        made.data = called.data[place]
        if made.loop == NULL:
            raise UnsupportedError(f"{ufunc.__name__} has no plain loop for {ufunc.types[place]}")

    def add_cast(self, before, after, int read, int write):
        """Elements of a dtype as those of another. The operand's elements lie side by side."""
        cdef Instruction *made = self._next(CAST, (read,), write)
        made.cast = _cast(before, after)

    def add_select(self, npy_intp itemsize, tuple reads, int write):
        """Where the first operand, of booleans, holds: the second's elements, else the third's."""
        self._next(SELECT, reads, write).itemsize = itemsize

    def add_move(self, npy_intp itemsize, int read, int write):
        """An operand's elements elsewhere; a temporary has them side by side."""
        self._next(MOVE, (read,), write).itemsize = itemsize

    def set_fold(self, ufunc, int place, int read, identity):
        """Fold the elements of an operand into the result. identity: an array without axes."""
        cdef PyUFuncObject *called = <PyUFuncObject *> <void *> ufunc
        self.fold_loop = called.functions[place]
        self.fold_data = called.data[place]
        if self.fold_loop == NULL:
            raise UnsupportedError(f"{ufunc.__name__} has no plain loop for {ufunc.types[place]}")
        self.fold_read = read
        memcpy(self.identity, ARRAY_BYTES(identity), ARRAY_ITEMSIZE(identity))
        self.folds = True

    cdef Instruction *_next(self, int kind, tuple reads, int write) except NULL:
        cdef Instruction *made = &self.code[self.count]
        if len(reads) > READS:
            raise UnsupportedError(f"{len(reads)} operands of one operation")
        made.kind = kind
        made.count = len(reads)
        for i, read in enumerate(reads):
            made.reads[i] = read
        made.write = write
        self.count += 1
        return made

    def run(self, tuple arrays, axes):
        """(result, elements, flags raised: 1 divide, 2 over, 4 under, 8 invalid), or None if it cannot.

        arrays: the inputs, of the dtypes that the program was compiled for. axes: those that are folded; they keep
        length one. It cannot go over arrays without elements, swapped or unaligned ones, and ones that do not broadcast.
        """
        cdef Operand operands[OPERANDS]
        cdef Strides strides[OPERANDS]
        cdef npy_intp lengths[AXES]
        cdef npy_intp kept[AXES]
        cdef int order[AXES]
        cdef int inverse[AXES]
        cdef int i, j, place, ndim = 0
        cdef npy_intp size = 1, offset
        cdef Walk walk
        cdef PyArray_Dims permutation
        for i in range(self.inputs):
            array = arrays[i]
            if not ARRAY_ISBEHAVED_RO(array) or ARRAY_NDIM(array) > AXES:
                return None
            ndim = max(ndim, ARRAY_NDIM(array))
        if not self._broadcast(arrays, ndim, lengths, strides):
            return None
        for i in range(ndim):
            size *= lengths[i]
        if size == 0:
            return None
        _order(order, ndim, self.inputs, lengths, strides)
        for i in range(ndim):
            inverse[order[i]] = i
            kept[i] = lengths[order[i]]
        for i in axes:
            kept[inverse[i]] = 1
        Py_INCREF(self.result)
        out = PyArray_Empty(ndim, kept, <PyArray_Descr *> <void *> self.result, 0)
        for i in range(ndim):
            place = order[i]
            strides[self.inputs].along[place] = 0 if kept[i] == 1 and lengths[place] != 1 else ARRAY_STRIDES(out)[i]
        for i in range(self.inputs):
            operands[i].start = ARRAY_BYTES(arrays[i])
        for i in range(self.constants):
            operands[self.inputs + i].at = ARRAY_BYTES(self.held[i])
            operands[self.inputs + i].step = 0
        operands[self.result_operand].start = ARRAY_BYTES(out)
        _plan(&walk, order, ndim, self.inputs + 1, lengths, strides)
        walk.size = size
        cdef npy_intp total = 1
        for i in range(ndim):
            total *= kept[i]
        cdef int raised = self._walked(&walk, operands, strides, total)
        if raised < 0:
            return None
        for i in range(ndim):
            if order[i] != i:
                permutation.ptr = kept
                permutation.len = ndim
                for j in range(ndim):
                    kept[j] = inverse[j]
                out = ARRAY_TRANSPOSE(out, &permutation)
                break
        return out, size, raised

    cdef bint _broadcast(self, tuple arrays, int ndim, npy_intp *lengths, Strides *strides):
        """Common lengths of axes, and each input's strides along them. False if they do not fit."""
        cdef int i, axis, own
        cdef npy_intp length
        for axis in range(ndim):
            lengths[axis] = 1
        for i in range(self.inputs):
            array = arrays[i]
            own = ARRAY_NDIM(array)
            for axis in range(ndim):
                strides[i].along[axis] = 0
            for axis in range(own):
                length = ARRAY_DIMS(array)[axis]
                if length != 1:
                    if lengths[axis + ndim - own] not in (1, length):
                        return False
                    lengths[axis + ndim - own] = length
                    strides[i].along[axis + ndim - own] = ARRAY_STRIDES(array)[axis]
        return True

    cdef int _walked(self, Walk *walk, Operand *operands, Strides *strides, npy_intp total) except? -2:
        """Go over all. The flags that were raised; -1 if a loop set an error, which is cleared."""
        cdef char *memory = <char *> malloc(self.buffers + 64)
        cdef char *at
        cdef int i, raised
        cdef npy_intp place
        if memory == NULL:
            raise MemoryError
        at = <char *> ((<size_t> memory + 63) & ~(<size_t> 63))
        for i in range(self.temporaries):
            operands[self.inputs + self.constants + i].at = at
            operands[self.inputs + self.constants + i].step = self.widths[i]
            at += _rounded(self.widths[i] * self.tile)
        for i in range(self.inputs):
            operands[i].step = strides[i].along[AXES - 1]
        operands[self.result_operand].step = strides[self.inputs].along[AXES - 1]
        if walk.size * self.count > 16384:
            with nogil:
                if self.folds:
                    _fill(operands[self.result_operand].start, <char *> self.identity, self.result_size, total)
                raised = self._go(walk, operands, strides)
        else:
            if self.folds:
                _fill(operands[self.result_operand].start, <char *> self.identity, self.result_size, total)
            raised = self._go(walk, operands, strides)
        free(memory)
        if PyErr_Occurred() != NULL:
            PyErr_Clear()
            return -1
        return raised

    cdef int _go(self, Walk *walk, Operand *operands, Strides *strides) noexcept nogil:
        cdef npy_intp index[AXES]
        cdef int i, axis, raised = 0
        for axis in range(walk.axes):
            index[axis] = 0
        feclearexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW)
        while True:
            raised |= self._row(walk.inner, operands)
            axis = walk.axes - 1
            while axis >= 0:
                index[axis] += 1
                for i in range(self.inputs):
                    operands[i].start += strides[i].along[axis]
                operands[self.result_operand].start += strides[self.inputs].along[axis]
                if index[axis] < walk.lengths[axis]:
                    break
                for i in range(self.inputs):
                    operands[i].start -= strides[i].along[axis] * walk.lengths[axis]
                operands[self.result_operand].start -= strides[self.inputs].along[axis] * walk.lengths[axis]
                index[axis] = 0
                axis -= 1
            if axis < 0:
                return raised

    cdef int _row(self, npy_intp length, Operand *operands) noexcept nogil:
        """The innermost axis, tile by tile."""
        cdef npy_intp begin = 0, n
        cdef int i, raised = 0, run = 0
        cdef Operand *result = &operands[self.result_operand]
        cdef bint local = self.folds and result.step == 0
        cdef double partial[4]
        if local:
            memcpy(partial, self.identity, sizeof(partial))
        while begin < length:
            n = min(<npy_intp> self.tile, length - begin)
            for i in range(self.inputs):
                operands[i].at = operands[i].start + begin * operands[i].step
            result.at = result.start + begin * result.step
            for i in range(self.count):
                raised |= _execute(&self.code[i], operands, n)
            if self.folds:
                if local:
                    _folded(self.fold_loop, self.fold_data, <char *> partial, 0, &operands[self.fold_read], n)
                    run += 1
                    if run == RUN:
                        run = 0
                        raised |= self._joined(result.start, <char *> partial)
                else:
                    _folded(self.fold_loop, self.fold_data, result.at, result.step, &operands[self.fold_read], n)
                raised |= _flags()
            begin += n
        if run:
            raised |= self._joined(result.start, <char *> partial)
        return raised

    cdef int _joined(self, char *result, char *partial) noexcept nogil:
        cdef Operand one
        one.at = partial
        one.step = 0
        _folded(self.fold_loop, self.fold_data, result, 0, &one, 1)
        memcpy(partial, self.identity, sizeof(self.identity))
        return _flags()


cdef int _execute(Instruction *code, Operand *operands, npy_intp n) noexcept nogil:
    cdef char *pointers[READS + 1]
    cdef npy_intp steps[READS + 1]
    cdef int i
    cdef Operand *write = &operands[code.write]
    if code.kind == CALL:
        for i in range(code.count):
            pointers[i] = operands[code.reads[i]].at
            steps[i] = operands[code.reads[i]].step
        pointers[code.count] = write.at
        steps[code.count] = write.step
        code.loop(pointers, &n, steps, code.data)
    elif code.kind == CAST:
        code.cast(operands[code.reads[0]].at, write.at, n, NULL, NULL)
    elif code.kind == SELECT:
        _select(&operands[code.reads[0]], &operands[code.reads[1]], &operands[code.reads[2]], write, code.itemsize, n)
        return 0
    else:
        _move(&operands[code.reads[0]], write, code.itemsize, n)
        return 0
    return _flags()


cdef inline int _flags() noexcept nogil:
    cdef int raised = fetestexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW)
    if raised == 0:
        return 0
    feclearexcept(FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_UNDERFLOW)
    return (
        (1 if raised & FE_DIVBYZERO else 0)
        | (2 if raised & FE_OVERFLOW else 0)
        | (4 if raised & FE_UNDERFLOW else 0)
        | (8 if raised & FE_INVALID else 0)
    )


cdef inline void _folded(Loop loop, void *data, char *into, npy_intp step, Operand *read, npy_intp n) noexcept nogil:
    cdef char *pointers[3]
    cdef npy_intp steps[3]
    pointers[0] = into
    pointers[1] = read.at
    pointers[2] = into
    steps[0] = step
    steps[1] = read.step
    steps[2] = step
    loop(pointers, &n, steps, data)


ctypedef fused Word:
    uint8_t
    uint16_t
    uint32_t
    uint64_t


cdef inline void _select_words(
    Operand *condition, Operand *one, Operand *other, Operand *write, npy_intp n, Word *kind
) noexcept nogil:
    cdef npy_intp i
    cdef char *c = condition.at
    cdef char *a = one.at
    cdef char *b = other.at
    cdef char *w = write.at
    cdef Word x, y
    if condition.step == 1 and one.step == sizeof(Word) and other.step == sizeof(Word) and write.step == sizeof(Word):
        for i in range(n):
            (<Word *> w)[i] = (<Word *> a)[i] if c[i] else (<Word *> b)[i]
        return
    for i in range(n):
        x = (<Word *> (a + i * one.step))[0]
        y = (<Word *> (b + i * other.step))[0]
        (<Word *> (w + i * write.step))[0] = x if c[i * condition.step] else y


cdef void _select(
    Operand *condition, Operand *one, Operand *other, Operand *write, npy_intp itemsize, npy_intp n
) noexcept nogil:
    cdef npy_intp i
    if itemsize == 8:
        _select_words[uint64_t](condition, one, other, write, n, NULL)
    elif itemsize == 4:
        _select_words[uint32_t](condition, one, other, write, n, NULL)
    elif itemsize == 2:
        _select_words[uint16_t](condition, one, other, write, n, NULL)
    elif itemsize == 1:
        _select_words[uint8_t](condition, one, other, write, n, NULL)
    else:
        for i in range(n):
            memcpy(
                write.at + i * write.step,
                one.at + i * one.step if condition.at[i * condition.step] else other.at + i * other.step,
                itemsize,
            )


cdef inline void _move_words(Operand *read, Operand *write, npy_intp n, Word *kind) noexcept nogil:
    cdef npy_intp i
    for i in range(n):
        (<Word *> (write.at + i * write.step))[0] = (<Word *> (read.at + i * read.step))[0]


cdef void _move(Operand *read, Operand *write, npy_intp itemsize, npy_intp n) noexcept nogil:
    cdef npy_intp i
    if read.step == itemsize and write.step == itemsize:
        memcpy(write.at, read.at, n * itemsize)
    elif itemsize == 8:
        _move_words[uint64_t](read, write, n, NULL)
    elif itemsize == 4:
        _move_words[uint32_t](read, write, n, NULL)
    elif itemsize == 2:
        _move_words[uint16_t](read, write, n, NULL)
    elif itemsize == 1:
        _move_words[uint8_t](read, write, n, NULL)
    else:
        for i in range(n):
            memcpy(write.at + i * write.step, read.at + i * read.step, itemsize)


cdef void _fill(char *at, char *value, npy_intp itemsize, npy_intp count) noexcept nogil:
    cdef npy_intp i
    for i in range(count):
        memcpy(at + i * itemsize, value, itemsize)


cdef CastLoop _cast(before, after) except NULL:
    if after.num >= NPY_NTYPES_ABI_COMPATIBLE:
        raise UnsupportedError(f"no plain loop casts {before} to {after}")
    cdef CastLoop found = PyDataType_GetArrFuncs(<PyArray_Descr *> <void *> before).cast[<int> after.num]
    if found == NULL:
        raise UnsupportedError(f"no plain loop casts {before} to {after}")
    return found


cdef inline npy_intp _rounded(npy_intp size) noexcept nogil:
    return (size + 63) & ~(<npy_intp> 63)


cdef void _order(int *order, int ndim, int inputs, npy_intp *lengths, Strides *strides) noexcept:
    """Axes by falling strides of the input that has most elements: the order in which they lie in memory."""
    cdef int i, j, best = 0, axis
    cdef npy_intp size, most = -1
    for i in range(inputs):
        size = 1
        for axis in range(ndim):
            if strides[i].along[axis]:
                size *= lengths[axis]
        if size > most:
            most = size
            best = i
    for i in range(ndim):
        j = i
        while j > 0 and _before(i, order[j - 1], lengths, strides[best].along):
            order[j] = order[j - 1]
            j -= 1
        order[j] = i


cdef inline bint _before(int one, int other, npy_intp *lengths, npy_intp *strides) noexcept:
    """Whether an axis goes outside another. Axes that the input lacks stay where they are."""
    if strides[one] == 0 or strides[other] == 0:
        return False
    return abs(strides[one]) > abs(strides[other])


cdef void _plan(Walk *walk, int *order, int ndim, int operands, npy_intp *lengths, Strides *strides) noexcept:
    """Axes that lie one behind the other become one; the innermost, or a much longer one, is gone over in tiles.

    Strides along outer axes are left in places 0, 1, ...; along the innermost in the last.
    """
    cdef npy_intp long_[AXES]
    cdef Strides moved[OPERANDS]
    cdef int i, k, axis, count = 0, inner
    cdef bint joins
    for i in range(ndim):
        axis = order[i]
        if lengths[axis] == 1:
            continue
        joins = count > 0
        if joins:
            for k in range(operands):
                if moved[k].along[count - 1] != strides[k].along[axis] * lengths[axis]:
                    joins = False
                    break
        if not joins:
            count += 1
            long_[count - 1] = 1
        long_[count - 1] *= lengths[axis]
        for k in range(operands):
            moved[k].along[count - 1] = strides[k].along[axis]
    if count == 0:
        walk.axes = 0
        walk.inner = 1
        for k in range(operands):
            strides[k].along[AXES - 1] = 0
        return
    inner = count - 1
    if long_[inner] < 64:
        for i in range(count):
            if long_[i] > long_[inner]:
                inner = i
    walk.axes = 0
    walk.inner = long_[inner]
    for k in range(operands):
        strides[k].along[AXES - 1] = moved[k].along[inner]
    for i in range(count):
        if i != inner:
            walk.lengths[walk.axes] = long_[i]
            for k in range(operands):
                strides[k].along[walk.axes] = moved[k].along[i]
            walk.axes += 1
