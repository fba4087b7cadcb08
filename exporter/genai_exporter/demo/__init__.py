"""The demonstration: an exporter, a simulated application, and a live view of what is measured, in one terminal."""

from .command import add_arguments, run

__all__ = ["add_arguments", "run"]
