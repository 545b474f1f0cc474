"""`python -m rldk_tui.cli` is `rldk`."""

import sys

from rldk_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
