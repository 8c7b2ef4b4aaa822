"""joblib.parallel: the settings that nobody has made, as a dict."""

from __future__ import annotations

from plait.parallel.config import DEFAULTS

default_parallel_config = DEFAULTS._asdict()
