"""`python -m mlfactory`."""

from mlfactory.cli import main

raise SystemExit(main())
