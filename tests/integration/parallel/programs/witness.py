"""What answers for joblib in this process: printed beside a program's results, so that neither run can be a mistake."""

import json
import sys


def answering():
    import joblib

    return {
        "parallel": joblib.Parallel.__module__,
        "version": joblib.__version__,
        "ours": "plait" in sys.modules,
        "files": sorted({file for module in list(sys.modules.values()) if "/joblib/" in (file := _file(module))}),
    }


def _file(module):
    return getattr(module, "__file__", None) or ""


def tell(results):
    """The last line that a program prints."""
    print(json.dumps({"results": results, "witness": answering()}))
