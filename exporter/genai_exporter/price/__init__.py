"""What a call cost, in US dollars.

The list prices come from genai-prices, compiled once per model, period, service tier and batch mode into rates per
token. A price file of the user's overrides them. Importing this package stays cheap: genai-prices is loaded when a
:class:`~genai_exporter.price.pricer.Pricer` is made.
"""

from genai_exporter.price.explain import Explanation, explain, render_explanation
from genai_exporter.price.overrides import PriceFileError, PriceOverrides, load_overrides, parse_overrides
from genai_exporter.price.pricer import Pricer
from genai_exporter.price.rates import UNPRICED, Cost

__all__ = [
    "UNPRICED",
    "Cost",
    "Explanation",
    "PriceFileError",
    "PriceOverrides",
    "Pricer",
    "explain",
    "load_overrides",
    "parse_overrides",
    "render_explanation",
]
