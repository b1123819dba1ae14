"""Numbers that record LLVM instructions when the functions of `kernels.algebra` compute with them.

A value is one SIMD register of W lanes (or a scalar for W = 1). There is no fast-math: what is written is what runs,
and only the written fused multiply-adds are fused.
"""

from llvmlite import ir
from numba.core import cgutils

I32, I64, F64 = ir.IntType(32), ir.IntType(64), ir.DoubleType()
ROUND_MAGIC = 1.5 * 2.0**52
SQRT_HALF_BITS = 0x3FE6A09E00000000
EXPONENT_BITS = 52


def lanes_type(element, width):
    """LLVM type of `width` lanes of `element`."""
    return element if width == 1 else ir.VectorType(element, width)


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
        return other.value if isinstance(other, _Value) else constant(self.value.type, self._python(other))

    def _call(self, name, *arguments):
        t = self.value.type
        suffix = f"v{t.count}f64" if isinstance(t, ir.VectorType) else "f64"
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

    def _real_type(self):
        t = self.value.type
        return lanes_type(F64, t.count if isinstance(t, ir.VectorType) else 1)

    def to_real(self):
        """Exact for |value| < 2^53."""
        return Real(self.builder, self.builder.sitofp(self.value, self._real_type()))

    def as_real_bits(self):
        """The same 64 bits read as a double."""
        return Real(self.builder, self.builder.bitcast(self.value, self._real_type()))


class Real(_Value):
    """float64 lanes."""

    __slots__ = ()
    _python = staticmethod(float)

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

    def rint(self):
        """Nearest integer, ties to even, for |self| < 2^51."""
        return (self + ROUND_MAGIC) - ROUND_MAGIC

    def mantissa_exponent(self):
        """(m, e) with self = m 2^e, sqrt(1/2) <= m < sqrt(2) up to the last bits, for normal positive numbers."""
        t = self.value.type
        integers = lanes_type(I64, t.count if isinstance(t, ir.VectorType) else 1)
        bits = Integer(self.builder, self.builder.bitcast(self.value, integers))
        shifted = bits - SQRT_HALF_BITS
        exponent = Integer(self.builder, self.builder.ashr(shifted.value, shifted._other(EXPONENT_BITS)))
        mantissa = bits - (exponent << EXPONENT_BITS)
        return mantissa.as_real_bits(), exponent.to_real()
