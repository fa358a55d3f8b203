"""Operations of the language, one file each; files here are discovered, never listed."""
