"""Texts that models write, and which of them are kept."""
