"""What a serving node counts, as Prometheus reads it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from counterfoil.web.metrics import Metrics
from tests.web.serving import AGENCY, Served


def samples(text: bytes) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    families = text_string_to_metric_families(text.decode())
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_requests_are_counted_by_method_and_status_and_timed() -> None:
    metrics = Metrics()
    for method, status, seconds in (("GET", 200, 0.002), ("GET", 200, 0.3), ("POST", 409, 20.0)):
        metrics.answered(method, status, seconds)
    found = samples(metrics.text(7, 3, {}))
    assert found["requests_total", "GET", "200"] == 2
    assert found["requests_total", "POST", "409"] == 1
    assert found["request_seconds_count",] == 3
    assert [found["request_seconds_bucket", each] for each in ("0.001", "0.0025", "0.5", "10.0", "+Inf")] == [
        0,
        1,
        2,
        2,
        3,
    ]
    assert (found["log_size",], found["writes_waiting",]) == (7, 3)


def test_a_witness_is_shown_as_long_as_it_is_asked() -> None:
    metrics = Metrics()
    found = samples(metrics.text(0, 0, {"one": 5, "two": 0}))
    assert (found["witness_behind", "one"], found["witness_behind", "two"]) == (5, 0)
    found = samples(metrics.text(0, 0, {"two": 1}))
    assert ("witness_behind", "one") not in found
    assert found["witness_behind", "two"] == 1


def test_two_nodes_in_a_process_count_for_themselves() -> None:
    one, two = Metrics(), Metrics()
    one.answered("GET", 200, 0.1)
    assert ("requests_total", "GET", "200") not in samples(two.text(0, 0, {}))


def test_what_a_served_node_answered_is_counted_once_each(serving_node: Served) -> None:
    fields = {"title": "Trees", "authority": AGENCY}
    proposal = {"register": ".register", "record": "tree", "operation": "create", "version": 1}
    document = {"proposals": [{**proposal, "body": {"fields": fields}}]}
    with serving_node.client() as client:
        assert client.post("/v1/transactions", json=document).status_code == 201
        assert client.post("/v1/transactions", json=document).status_code == 409
        for _ in range(3):
            client.get("/v1/nothing")
        client.get("/v1/caller", headers={"authorization": "Bearer wrong"})
        answer = client.get("/v1/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = samples(answer.content)
    counted = {
        labels: value
        for (name, *labels_), value in found.items()
        if name == "requests_total"
        for labels in [tuple(labels_)]
    }
    assert counted == {
        ("POST", "201"): 1,
        ("POST", "409"): 1,
        ("GET", "404"): 3,
        ("GET", "401"): 1,
    }
    assert found["log_size",] >= 7
    assert serving_node.token not in answer.text
    assert "tree" not in answer.text
