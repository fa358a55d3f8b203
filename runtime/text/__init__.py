"""Text as a model sees it: templates, chats, tokens, positions, answers, mentions.

Nothing here imports torch or transformers, so the checker can use all of it in a blink.
"""
