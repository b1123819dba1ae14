"""The mathematics of one site, on anything with + - * and fma.

A matrix is a list of 2 N^2 reals (re, im interleaved, row major); an algebra element is the compact list of N^2 reals
of `matrix.antihermitian_part`. "Real" is duck-typed: NumPy arrays and floats compute, `targets.trace.Real` records
LLVM instructions. Loops over N run when the function is called, so a traced function is straight-line code.
Fused multiply-adds are written out (`fma`, `fnma`), so that every target that has them rounds alike.
"""
