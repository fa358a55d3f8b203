"""Operations that have a signature and do not run yet, by family."""
