"""What can be done to a run: their signatures. How they act is the runtime's business."""
