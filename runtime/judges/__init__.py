"""Judges: language models that grade texts. Prompts, integer scales, endpoints, and the replies that are kept."""
