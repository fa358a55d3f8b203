"""Texts graded by a language model."""
