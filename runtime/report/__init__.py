"""What a run leaves behind: terminal tables, plots, one HTML page, a directory and its manifest."""
