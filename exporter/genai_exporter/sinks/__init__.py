"""Where telemetry goes besides the metrics page: spans to an OTLP receiver, calls to the ledger in PostgreSQL.

Both are optional and independent of each other and of the metrics. What a sink has taken is in memory until it is
delivered: a bounded queue holds it through an outage, drops its oldest part when full, and counts what it drops.
"""
