"""What has been computed, kept on disk: values by recipe in few files, and the journals of stages that were stopped."""

from .cubes import Store, default_folder

__all__ = ["Store", "default_folder"]
