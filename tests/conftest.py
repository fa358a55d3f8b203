"""Every test session has a store of its own, so that no test finds what another run left."""

import os
import tempfile

os.environ["PROBELANG_STORE"] = tempfile.mkdtemp(prefix="probelang-store-")
