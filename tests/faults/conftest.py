"""The suite is also a program: its modules find each other beside themselves, as they do when `run.py` is started."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
