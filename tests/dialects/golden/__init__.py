"""Golden pairs: what libraries put on the wire, and what it means."""
