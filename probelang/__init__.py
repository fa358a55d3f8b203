"""probelang: a small declarative language for experiments on language models."""

__version__ = "0.1.0"
