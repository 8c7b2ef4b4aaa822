"""plait.array is plait.lazy.array, so that `import plait.array` works as well."""

import sys

from plait.lazy import array

sys.modules[__name__] = array
