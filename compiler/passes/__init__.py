"""Named rewrites of a stage, one file each."""
