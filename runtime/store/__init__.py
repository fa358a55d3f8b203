"""What has been computed, kept on disk: values by recipe in few files, and the journals of stages that were stopped."""

from .cubes import Piece
from .journal import Journal
from .store import Store, Value, default_folder

__all__ = ["Journal", "Piece", "Store", "Value", "default_folder"]
