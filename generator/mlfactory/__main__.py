"""`python -m mlfactory`."""

from .cli import main

raise SystemExit(main())
