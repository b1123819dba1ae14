"""Numbers that record LLVM instructions when the functions of `kernels.algebra` compute with them.

A value is W lanes of one element type (or a scalar for W = 1). There is no fast-math: what is written is what runs,
and only the written fused multiply-adds are fused. float32 and float64 never mix by themselves: `widen` and `narrow`
are written too.
"""

from llvmlite import ir
from numba.core import cgutils

I32, I64, F32, F64 = ir.IntType(32), ir.IntType(64), ir.FloatType(), ir.DoubleType()
ELEMENTS = {"float64": F64, "float32": F32, "int64": I64}
ELEMENT_BYTES = {"float64": 8, "float32": 4, "int64": 8}
ROUND_MAGIC = {F64: 1.5 * 2.0**52, F32: 1.5 * 2.0**23}
INTRINSIC_SUFFIX = {F64: "f64", F32: "f32"}
SQRT_HALF_BITS = 0x3FE6A09E00000000
EXPONENT_BITS, EXPONENT_BIAS = 52, 1023


def lanes_type(element, width):
    """LLVM type of `width` lanes of `element`."""
    return element if width == 1 else ir.VectorType(element, width)


def element_of(type_):
    """LLVM type of one lane."""
    return type_.element if isinstance(type_, ir.VectorType) else type_


def with_element(type_, element):
    """LLVM type of as many lanes of another element."""
    return ir.VectorType(element, type_.count) if isinstance(type_, ir.VectorType) else element


def constant(type_, value):
    """The same constant in every lane."""
    if isinstance(type_, ir.VectorType):
        return ir.Constant(type_, [ir.Constant(type_.element, value)] * type_.count)
    return ir.Constant(type_, value)


def splat(builder, scalar, width):
    """A run-time scalar in every lane."""
    if width == 1:
        return scalar
    vector = lanes_type(scalar.type, width)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, I32(0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(I32, width), [I32(0)] * width))


class _Value:
    __slots__ = ("builder", "value")

    def __init__(self, builder, value):
        self.builder, self.value = builder, value

    def _new(self, value):
        return type(self)(self.builder, value)

    def _other(self, other):
        if not isinstance(other, _Value):
            return constant(self.value.type, self._python(other))
        if other.value.type != self.value.type:
            raise TypeError(f"{self.value.type} with {other.value.type}: widen or narrow one of them")
        return other.value

    def _only(self, element):
        if element_of(self.value.type) != element:
            raise TypeError(f"got {self.value.type}, wanted lanes of {element}")

    def _call(self, name, *arguments):
        t = self.value.type
        suffix = INTRINSIC_SUFFIX[element_of(t)]
        suffix = f"v{t.count}{suffix}" if isinstance(t, ir.VectorType) else suffix
        signature = ir.FunctionType(t, [t] * len(arguments))
        function = cgutils.get_or_insert_function(self.builder.module, signature, f"llvm.{name}.{suffix}")
        return self._new(self.builder.call(function, arguments))


class Integer(_Value):
    """64-bit integer lanes."""

    __slots__ = ()
    _python = staticmethod(int)

    def __add__(self, other):
        return self._new(self.builder.add(self.value, self._other(other)))

    def __mul__(self, other):
        return self._new(self.builder.mul(self.value, self._other(other)))

    def __and__(self, other):
        return self._new(self.builder.and_(self.value, self._other(other)))

    def __xor__(self, other):
        return self._new(self.builder.xor(self.value, self._other(other)))

    def __rshift__(self, bits):
        return self._new(self.builder.lshr(self.value, self._other(bits)))

    def __lshift__(self, bits):
        return self._new(self.builder.shl(self.value, self._other(bits)))

    def __sub__(self, other):
        return self._new(self.builder.sub(self.value, self._other(other)))

    def to_real(self):
        """float64, exact for |value| < 2^53."""
        return Real(self.builder, self.builder.sitofp(self.value, with_element(self.value.type, F64)))

    def as_real_bits(self):
        """The same 64 bits read as a double."""
        return Real(self.builder, self.builder.bitcast(self.value, with_element(self.value.type, F64)))


class Real(_Value):
    """float64 or float32 lanes; an operation on both kinds is a TypeError."""

    __slots__ = ()
    _python = staticmethod(float)

    def widen(self):
        """The same numbers as float64."""
        if element_of(self.value.type) == F64:
            return self
        return self._new(self.builder.fpext(self.value, with_element(self.value.type, F64)))

    def narrow(self, element):
        """The nearest numbers of `element`."""
        if element_of(self.value.type) == element:
            return self
        self._only(F64)
        return self._new(self.builder.fptrunc(self.value, with_element(self.value.type, element)))

    def like(self, other):
        """The nearest numbers of the element of `other`."""
        return self.narrow(element_of(other.value.type))

    def __add__(self, other):
        return self._new(self.builder.fadd(self.value, self._other(other)))

    def __sub__(self, other):
        return self._new(self.builder.fsub(self.value, self._other(other)))

    def __rsub__(self, other):
        return self._new(self.builder.fsub(self._other(other), self.value))

    def __mul__(self, other):
        return self._new(self.builder.fmul(self.value, self._other(other)))

    def __truediv__(self, other):
        return self._new(self.builder.fdiv(self.value, self._other(other)))

    def __neg__(self):
        return self._new(self.builder.fsub(constant(self.value.type, -0.0), self.value))

    __radd__, __rmul__ = __add__, __mul__

    def fma(self, y, z):
        """self y + z, rounded once."""
        return self._call("fma", self.value, self._other(y), self._other(z))

    def fnma(self, y, z):
        """z - self y, rounded once."""
        return (-self).fma(y, z)

    def sqrt(self):
        """Correctly rounded square root."""
        return self._call("sqrt", self.value)

    def reciprocal(self):
        """Correctly rounded 1 / self."""
        return self._new(self.builder.fdiv(constant(self.value.type, 1.0), self.value))

    def absolute(self):
        """|self|."""
        return self._call("fabs", self.value)

    def maximum(self, other):
        """Larger of two; a NaN in `other` wins over a number."""
        other = self._new(self._other(other))
        keep = self.builder.fcmp_ordered(">=", self.value, other.value)
        return self._new(self.builder.select(keep, self.value, other.value))

    def at_least(self, other, yes, no):
        """Lane by lane `yes` where self >= other, else `no` (also where one is NaN); numbers of any element."""
        chosen = self.builder.fcmp_ordered(">=", self.value, self._other(other))
        return yes._new(self.builder.select(chosen, yes.value, yes._other(no)))

    def rint(self):
        """Nearest integer, ties to even, for |self| < 2^51 (float32: 2^22)."""
        magic = ROUND_MAGIC[element_of(self.value.type)]
        return (self + magic) - magic

    def power_of_two(self):
        """2^self of integer-valued float64, -1022 <= self <= 1023."""
        self._only(F64)
        biased = self + (ROUND_MAGIC[F64] + EXPONENT_BIAS)  # the integer stands in the lowest bits
        bits = Integer(self.builder, self.builder.bitcast(biased.value, with_element(self.value.type, I64)))
        return (bits << EXPONENT_BITS).as_real_bits()

    def mantissa_exponent(self):
        """(m, e) with self = m 2^e, sqrt(1/2) <= m < sqrt(2) up to the last bits, for normal positive float64."""
        self._only(F64)
        bits = Integer(self.builder, self.builder.bitcast(self.value, with_element(self.value.type, I64)))
        shifted = bits - SQRT_HALF_BITS
        exponent = Integer(self.builder, self.builder.ashr(shifted.value, shifted._other(EXPONENT_BITS)))
        mantissa = bits - (exponent << EXPONENT_BITS)
        return mantissa.as_real_bits(), exponent.to_real()
