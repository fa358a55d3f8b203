"""Every test session has a store and calibrations of its own, so that no test finds what another run left.

Tests that call `probelang.run` compute everything anew unless they name a store: one that compares two ways to compute
would otherwise find the values of the first.
"""

import os
import tempfile

os.environ["PROBELANG_STORE"] = tempfile.mkdtemp(prefix="probelang-store-")
os.environ["PROBELANG_CALIBRATION"] = tempfile.mkdtemp(prefix="probelang-calibration-")

from probelang import api  # noqa: E402 - where the store is has to be known first

api.run.__kwdefaults__["store"] = None
