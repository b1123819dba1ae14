"""Program of test_fused_kernels: a small layer forward; prints the names of the kernels that had to be compiled."""

import numpy as np

from gaugeflow.kernels.compilation import watching
from gaugeflow.kernels.conv_bilinear import Shape, conv_bilinear
from gaugeflow.kernels.memory import address


def main():
    """Compile by running."""
    layer = conv_bilinear(Shape(1, "float64", (3,), 1, 1, 1, 1, (((1,), 0, False),), width=2))
    field, products, alpha, out = (np.ones(shape) for shape in ((3, 2), (3, 2), (3, 5), (3, 2)))
    with watching(lambda configuration, function, seconds: print(function)):
        layer.forward(*map(address, (field, products, alpha, out)), 1)


if __name__ == "__main__":
    main()
