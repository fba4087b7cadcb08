"""Which versions of application, prompt and model are live, and since when."""

from __future__ import annotations

from collections.abc import Sequence

from genai_exporter.catalogue import DEPLOYMENT_FIRST_SEEN, DEPLOYMENT_INFO
from genai_exporter.records import Call

from .bundles import CALL_FIELDS, CallBundle
from .children import Activity
from .picker import picker
from .store import Store

_REMEMBERED = 64


class Deployments:
    """Notes the versions of every call.

    Most of a deployment's labels are labels of the call's bundle too, so the bundle remembers the deployments it has
    met by the remaining fields, and a call costs one small look-up.
    """

    def __init__(self, store: Store, dimensions: Sequence[str]) -> None:
        self._info = store.gauge(DEPLOYMENT_INFO)
        self._first_seen = store.gauge(DEPLOYMENT_FIRST_SEEN)
        self._remaining = picker(
            [CALL_FIELDS[label.name] for label in DEPLOYMENT_INFO.labels if label.name not in dimensions]
        )

    def seen(self, bundle: CallBundle, call: Call, now: float) -> None:
        """Note that the versions of ``call`` are live at ``now``."""
        if call.error_type and not call.response_model:
            return  # a call that got no answer does not tell which model version is live
        remaining = self._remaining(call)
        activity = bundle.deployments.get(remaining)
        if activity is not None:
            activity.last = now
            return
        activity = self._noted(call, now)
        if bundle.overflow:
            return  # it is shared by calls that have nothing in common
        if len(bundle.deployments) >= _REMEMBERED:
            bundle.deployments.clear()
        bundle.deployments[remaining] = activity

    def _noted(self, call: Call, now: float) -> Activity:
        values = (
            call.service,
            call.service_version,
            call.prompt_name,
            call.prompt_version,
            call.response_model or call.request_model,
            call.environment,
        )
        info = self._info.child(values, now)
        info.set(1)
        first_seen = self._first_seen.child(values, now, None if info.kept else info.activity)
        if not first_seen.value:
            first_seen.set(now)
        return info.activity
