"""plait.dataframe is plait.lazy.dataframe, so that `import plait.dataframe` works as well."""

import sys

from plait.lazy import dataframe

sys.modules[__name__] = dataframe
