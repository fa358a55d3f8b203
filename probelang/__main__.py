"""`python -m probelang` is the `probe` command."""

from probelang.cli import main

raise SystemExit(main())
