"""The ledger: every provider call, step, score and verdict, in PostgreSQL, once."""
