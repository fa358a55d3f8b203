"""All wording of the checker's messages: one constructor for each problem, its place first.

Codes are kebab-case and public: `probe explain CODE` tells more (`explanations.py`).
"""

# ruff: noqa: F403

from .arguments import *
from .axes import *
from .base import *
from .doubts import *
from .models import *
from .names import *
from .places import *
