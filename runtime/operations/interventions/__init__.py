"""What can be done to a run: their signatures. How they act is the runtime's business."""

from typing import Literal

During = Literal["prompt", "response", "predicting", "all"]  # the scope of an intervention while a text is written
