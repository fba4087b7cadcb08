"""The sinks against what they write to: a real PostgreSQL, and an OTLP receiver that fails on demand."""
