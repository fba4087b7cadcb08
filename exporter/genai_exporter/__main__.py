"""``python -m genai_exporter``."""

import sys

from genai_exporter.cli import main

sys.exit(main())
