"""Real OTLP traffic of a simulated LLM application, with the truth about it, for demonstrations and for tests.

``conversation`` decides what happens to one request and knows no wire format; the ``dialect_*`` modules write those
decisions down the way one instrumentation library spells them; ``sender`` puts them on the wire; ``truth`` counts what
was sent, so that whatever a receiver shows can be compared to the last token.
"""
