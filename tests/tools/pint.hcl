# How pint reads the rules in provisioning/generated/prometheus: `make lint-stack`. Offline: no Prometheus is asked.

parser {
  schema = "prometheus"
  names  = "legacy"
}

# What Alertmanager routes by and what a person who is woken needs.
rule {
  match {
    kind = "alerting"
  }

  label "tier" {
    severity = "bug"
    values   = ["1", "2", "3", "none"]
    required = true
  }

  label "severity" {
    severity = "bug"
    values   = ["critical", "warning", "info", "none"]
    required = true
  }

  annotation "summary" {
    severity = "bug"
    required = true
  }

  annotation "description" {
    severity = "bug"
    required = true
  }

  annotation "runbook_url" {
    severity = "bug"
    value    = "https?://.+"
    required = true
  }

  annotation "dashboard_url" {
    severity = "bug"
    value    = "https?://.+"
    required = true
  }
}
