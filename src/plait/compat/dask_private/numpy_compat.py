"""Names of dask.array.numpy_compat: which numpy there is."""

from __future__ import annotations

import numpy as np
from numpy.exceptions import AxisError, ComplexWarning
from packaging.version import Version

_RELEASE = Version(np.__version__).release
NUMPY_GE_125 = _RELEASE >= (1, 25)
NUMPY_GE_200 = _RELEASE >= (2, 0)
NUMPY_GE_210 = _RELEASE >= (2, 1)
NUMPY_GE_220 = _RELEASE >= (2, 2)
NUMPY_GE_240 = _RELEASE >= (2, 4)

__all__ = ["AxisError", "ComplexWarning"]
