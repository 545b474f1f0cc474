"""`python -m rldk_tui` is `rldk-tui`."""

import sys

from rldk_tui.cli import monitor

if __name__ == "__main__":
    sys.exit(monitor())
