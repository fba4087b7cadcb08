"""Grafana dashboards as Python: one module per dashboard, built by ``python -m genai_dashboards build``."""
