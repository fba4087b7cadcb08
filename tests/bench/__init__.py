"""Speed and memory of the service, measured next to a plain implementation of the same job."""
