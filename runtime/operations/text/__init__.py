"""Measures of texts: values per text, and what sets of texts have in common. None of them runs a model."""
