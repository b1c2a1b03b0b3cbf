"""`python -m guidex`."""

import sys

from guidex.cli import main

sys.exit(main())
