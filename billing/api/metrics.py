"""The metrics for Prometheus: requests of all processes together, and what waits in the database.

Where several processes serve, each writes its counts to files in PROMETHEUS_MULTIPROC_DIR
(`billing.api.serve` sets it) and whichever is asked sums them.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import prometheus_client.values
from flask import Flask, current_app
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from billing.documents.counts import counts
from invoices.messages.tables import STOPPED

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_EXTENSION = "technopark-metrics"
SEVERAL_PROCESSES = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)


def share_between_processes(folder: Path) -> None:
    """Let this process and those it starts keep their counts in `folder`, to be summed by whichever is asked."""
    os.environ[SEVERAL_PROCESSES] = str(folder)
    # Chosen once, when the library was imported: choose again.
    prometheus_client.values.ValueClass = prometheus_client.values.get_value_class()  # type: ignore[no-untyped-call]


def count_alone() -> None:
    """Let the processes that this one starts keep their counts to themselves: what they do is no request."""
    os.environ.pop(SEVERAL_PROCESSES, None)


class Metrics:
    """The counts of one app. Nothing is shared between apps of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._duration = Histogram(
            "http_request_duration_seconds",
            "How long requests took, by method and group of routes",
            ("method", "route"),
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._requests = Counter(
            "http_requests",
            "How many requests were answered, by method, group of routes and status",
            ("method", "route", "status"),
            registry=self._registry,
        )
        # Looking children up costs as much as counting. There are as many as methods, routes and statuses: few.
        self._children: dict[tuple[str, str, int], tuple[Histogram, Counter]] = {}

    def install(self, app: Flask) -> None:
        """Make these the counts of `app`."""
        app.extensions[_EXTENSION] = self

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request under its route's group; an unknown address has a blank route."""
        # All verbs that callers make up are one.
        key = method if method in _METHODS else "other", route, status
        children = self._children.get(key)
        if children is None:
            known, group = key[0], _group(route)
            children = self._duration.labels(known, group), self._requests.labels(known, group, str(status))
            self._children[key] = children
        children[0].observe(seconds)
        children[1].inc()

    def exposition(self, connection: Connection, now: datetime) -> bytes:
        """Write every metric in Prometheus' text format."""
        registry = CollectorRegistry()
        if os.environ.get(SEVERAL_PROCESSES):
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        else:
            registry.register(_Same(list(self._registry.collect())))
        registry.register(_Same(list(_of_database(connection, now))))
        return generate_latest(registry)


def installed_metrics() -> Metrics:
    """Return the counts of the app that answers this request."""
    metrics: Metrics = current_app.extensions[_EXTENSION]
    return metrics


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _group(route: str) -> str:
    """Return the collection that a route is of: `/v1/receipts` of all that begins so."""
    return "/".join(route.split("/")[:3])


class _Same(Collector):
    """Metrics collected already."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def _of_database(connection: Connection, now: datetime) -> Iterator[Metric]:
    counted = counts(connection, now)
    yield _gauge("billing_runs", "Monthly runs, by status", "status", counted.runs, ("running", "complete"))
    errors = GaugeMetricFamily("billing_tenants_in_error", "Tenants some run could not bill")
    errors.add_metric((), counted.tenants_in_error)
    yield errors
    states = ("queued", "failed", "sent")
    yield _gauge("deliveries", "Documents to be delivered, by state", "state", counted.documents, states)
    help_text = "Mails that are no documents, by state"
    yield _gauge("message_deliveries", help_text, "state", counted.messages, (*states, STOPPED))
    queue = GaugeMetricFamily("delivery_queue_size", "Deliveries that are due now, of documents and messages")
    queue.add_metric((), counted.due)
    yield queue


def _gauge(name: str, text: str, label: str, by_label: Mapping[str, int], values: Sequence[str]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=(label,))
    for value in values:
        family.add_metric((value,), by_label.get(value, 0))
    return family
