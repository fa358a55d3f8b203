"""Every test session has a store and calibrations of its own, so that no test finds what another run left."""

import os
import tempfile

os.environ["PROBELANG_STORE"] = tempfile.mkdtemp(prefix="probelang-store-")
os.environ["PROBELANG_CALIBRATION"] = tempfile.mkdtemp(prefix="probelang-calibration-")
