"""Reads what the built binary sends to an OpenTelemetry collector, by OpenTelemetry's own definitions.

The collector refuses what a real one refuses: other paths, other types, a missing key, a body that is no message of its
kind, a field that the definitions do not have. The API writes down the headers that it is sent.

usage: telemetry.py
"""

import contextlib
import http.server
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import harness
from google.protobuf.unknown_fields import UnknownFieldSet
from harness import Failure
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

WAIT_S = 15
KEY = "a-collector-key"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OTHER_TRACE, OTHER_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
REQUESTS = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Pets", "version": "1"},
    "paths": {
        "/pets/{petId}": {
            "get": {
                "operationId": "getPet",
                "parameters": [{"name": "petId", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "responses": {"200": {"description": "OK"}},
            }
        }
    },
}


class Loopback(http.server.ThreadingHTTPServer):
    """A server on a port of its own, which ends with its block."""

    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Answering(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Api(Loopback):
    def __init__(self):
        self.headers = []
        api = self

        class Handler(Answering):
            def do_GET(self):
                api.headers.append({name.lower(): value for name, value in self.headers.items()})
                missing = self.path.endswith("/404")
                self.answer(404 if missing else 200, "application/json", b'{"name": "Rex"}')

        super().__init__(Handler)


class Collector(Loopback):
    def __init__(self, refusals=0, silent=False):
        self.requests = {path: [] for path in REQUESTS}
        self.complaints = []
        self.refusals = refusals
        self.silent = threading.Event()
        collector = self

        class Handler(Answering):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if silent:
                    collector.silent.wait(60)
                    return
                if collector.refusals:
                    collector.refusals -= 1
                    return self.answer(503, "text/plain", b"later")
                status = collector.take(self.path, self.headers, body)
                self.answer(status, "application/x-protobuf", b"")

        super().__init__(Handler)

    def __exit__(self, *_):
        self.silent.set()
        super().__exit__()

    def take(self, path, headers, body):
        if path not in REQUESTS:
            return self.complain(404, f"path {path}")
        if headers["Content-Type"] != "application/x-protobuf":
            return self.complain(415, f"type {headers['Content-Type']}")
        if headers["Api-Key"] != KEY:
            return self.complain(401, "no key")
        try:
            request = REQUESTS[path].FromString(body)
            refuse_unknown(request)
        except Exception as error:
            return self.complain(400, f"{path}: {error!r}")
        self.requests[path].append(request)
        return 200

    def complain(self, status, text):
        self.complaints.append(text)
        return status

    def spans(self):
        return [
            span
            for request in self.requests["/v1/traces"]
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def wait_for(self, what, found):
        """The value of `found` once it is something."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            if self.complaints:
                raise Failure("\n".join(self.complaints))
            if value := found():
                return value
            time.sleep(0.02)
        raise Failure(f"{what} never came; spans: {[span.name for span in self.spans()]}")


def refuse_unknown(message):
    """Raises where a message, or one in it, has a field that its definition does not have."""
    if len(UnknownFieldSet(message)):
        raise ValueError(f"unknown fields in {message.DESCRIPTOR.full_name}")
    for field, value in message.ListFields():
        if field.message_type:
            for inner in [value] if hasattr(value, "DESCRIPTOR") else value:
                refuse_unknown(inner)


def attributes(of):
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in of.attributes}


@contextlib.contextmanager
def served(collector, api, telemetry=None, **variables):
    """A running server that tells the collector, and whose process is given."""
    with harness.scratch() as folder:
        from pathlib import Path

        home = Path(folder)
        (home / "api.json").write_text(json.dumps(DOCUMENT))
        config = {"sources": {"pets": {"openapi": "api.json", "upstream": {"base_url": api.url}}}}
        if telemetry:
            config["telemetry"] = telemetry
        (home / "wharf.yaml").write_text(json.dumps(config))
        port = harness.free_port()
        extra = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"api-key={KEY}",
            "OTEL_SERVICE_NAME": "pets",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
            "OTEL_METRIC_EXPORT_INTERVAL": "200",
        }
        command = [harness.binary("wharf"), "serve", "--config", home / "wharf.yaml", "--http", f"127.0.0.1:{port}"]
        with harness.Server(*command, port=port, home=home, extra=extra | variables) as server:
            yield server


def call(server, arguments, tool="getPet", headers=(), meta=()):
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": tool,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
                **dict(meta),
            },
        },
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/mcp",
        json.dumps(body).encode(),
        {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2026-07-28",
            "Mcp-Method": "tools/call",
            "Mcp-Name": tool,
            **dict(headers),
        },
    )
    with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
        return json.load(answer)


def three(collector, trace):
    """The spans of one call in a trace, outermost first."""

    def found():
        spans = {span.name: span for span in collector.spans() if span.trace_id.hex() == trace}
        names = "POST /mcp", "tools/call getPet", "GET /pets/{petId}"
        return all(name in spans for name in names) and [spans[name] for name in names]

    return collector.wait_for(f"a call in trace {trace}", found)


def expect(what, found, expected):
    if found != expected:
        raise Failure(f"{what} is {found!r}, not {expected!r}")


def a_call_is_three_spans():
    with Api() as api, Collector() as collector, served(collector, api) as server:
        parent = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "vendor=1", "x-request-id": "one"}
        call(server, {"petId": 1}, headers=parent.items())
        request, operation, exchange = three(collector, TRACE)
        expect("the request's parent", request.parent_span_id.hex(), SPAN)
        expect("the operation's parent", operation.parent_span_id, request.span_id)
        expect("the exchange's parent", exchange.parent_span_id, operation.span_id)
        expect("the API's parent", api.headers[0]["traceparent"], f"00-{TRACE}-{exchange.span_id.hex()}-01")
        expect("the API's state", api.headers[0]["tracestate"], "vendor=1")
        kinds = [span.kind for span in (request, operation, exchange)]
        expect("kinds", kinds, [Span.SPAN_KIND_SERVER, Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT])
        for span in (request, operation, exchange):
            expect("lengths of ids", (len(span.trace_id), len(span.span_id)), (16, 8))
            expect("the state", span.trace_state, "vendor=1")
            if not 0 <= span.end_time_unix_nano - span.start_time_unix_nano < 60e9:
                raise Failure(f"`{span.name}` takes from {span.start_time_unix_nano} to {span.end_time_unix_nano}")
            if abs(span.end_time_unix_nano / 1e9 - time.time()) > 60:
                raise Failure(f"`{span.name}` ends at {span.end_time_unix_nano}")
        told = attributes(request)
        expect("request", [told["http.request.method"], told["http.route"], told["http.response.status_code"]], ["POST", "/mcp", 200])
        told = attributes(operation)
        names = "mcp.method.name", "mcp.protocol.version", "gen_ai.tool.name", "network.transport", "request_id"
        expect("operation", [told[name] for name in names], ["tools/call", "2026-07-28", "getPet", "tcp", "one"])
        told = attributes(exchange)
        names = "http.request.method", "url.template", "server.address", "server.port", "http.response.status_code"
        port = int(api.url.rsplit(":", 1)[1])
        expect("exchange", [told[name] for name in names], ["GET", "/pets/{petId}", "127.0.0.1", port, 200])
        resource = attributes(collector.requests["/v1/traces"][0].resource_spans[0].resource)
        names = "service.name", "deployment.environment.name", "telemetry.sdk.language"
        expect("resource", [resource[name] for name in names], ["pets", "test", "rust"])


def the_messages_own_context_comes_first():
    with Api() as api, Collector() as collector, served(collector, api) as server:
        call(
            server,
            {"petId": 1},
            headers=[("traceparent", f"00-{TRACE}-{SPAN}-01")],
            meta=[("traceparent", f"00-{OTHER_TRACE}-{OTHER_SPAN}-01")],
        )
        named = lambda name: lambda: next((span for span in collector.spans() if span.name == name), None)
        request = collector.wait_for("the request", named("POST /mcp"))
        operation = collector.wait_for("the operation", named("tools/call getPet"))
        expect("the request's trace", request.trace_id.hex(), TRACE)
        expect("the operation's trace", operation.trace_id.hex(), OTHER_TRACE)
        expect("the operation's parent", operation.parent_span_id.hex(), OTHER_SPAN)
        expect("links", [(link.trace_id, link.span_id) for link in operation.links], [(request.trace_id, request.span_id)])
        expect("the API's trace", api.headers[0]["traceparent"].split("-")[1], OTHER_TRACE)


def what_is_not_sampled_is_not_sent():
    with Api() as api, Collector() as collector, served(collector, api) as server:
        call(server, {"petId": 1}, headers=[("traceparent", f"00-{TRACE}-{SPAN}-00")])
        expect("the API's flags", api.headers[0]["traceparent"].rsplit("-", 1)[1], "00")
        # A later one is sent; by then the earlier one would have been.
        call(server, {"petId": 1}, headers=[("traceparent", f"00-{OTHER_TRACE}-{OTHER_SPAN}-01")])
        three(collector, OTHER_TRACE)
        expect("traces", {span.trace_id.hex() for span in collector.spans()}, {OTHER_TRACE})


def failures_are_told():
    with Api() as api, Collector() as collector, served(collector, api) as server:
        call(server, {"petId": 404})
        call(server, {}, tool="noSuchTool")
        found = lambda name: lambda: [span for span in collector.spans() if span.name == name]
        exchange = collector.wait_for("the exchange", found("GET /pets/{petId}"))[0]
        expect("the exchange's error", attributes(exchange)["error.type"], "404")
        expect("its status", exchange.status.code, Status.STATUS_CODE_ERROR)
        operation = collector.wait_for("the operation", found("tools/call getPet"))[0]
        expect("the operation's error", attributes(operation)["error.type"], "tool_error")
        # A name that clients make up is no name of a span.
        unknown = collector.wait_for("the other operation", found("tools/call"))[0]
        expect("its error", attributes(unknown)["error.type"], "-32602")


def metrics_add_up():
    with Api() as api, Collector() as collector, served(collector, api) as server:
        for pet in (1, 2, 404):
            call(server, {"petId": pet})

        def newest():
            sent = collector.requests["/v1/metrics"]
            metrics = sent[-1].resource_metrics[0].scope_metrics[0].metrics if sent else []
            by_name = {metric.name: metric for metric in metrics}
            points = by_name.get("mcp.server.operation.duration")
            return points and sum(point.count for point in points.histogram.data_points) == 3 and by_name

        metrics = collector.wait_for("three calls", newest)
        for name in ("mcp.server.operation.duration", "http.server.request.duration", "http.client.request.duration"):
            metric = metrics[name]
            expect("unit", metric.unit, "s")
            expect("temporality", metric.histogram.aggregation_temporality, AGGREGATION_TEMPORALITY_CUMULATIVE)
            for point in metric.histogram.data_points:
                expect("buckets", len(point.bucket_counts), len(point.explicit_bounds) + 1)
                expect("their sum", sum(point.bucket_counts), point.count)
                expect("order of bounds", list(point.explicit_bounds), sorted(point.explicit_bounds))
                if not 0 < point.sum < 60 * point.count or point.start_time_unix_nano >= point.time_unix_nano:
                    raise Failure(f"{name}: {point}")
        points = metrics["mcp.server.operation.duration"].histogram.data_points
        counts = {attributes(point).get("error.type"): point.count for point in points}
        expect("calls", counts, {None: 2, "tool_error": 1})
        told = attributes(metrics["http.server.request.duration"].histogram.data_points[0])
        expect("request", [told["url.scheme"], told["http.response.status_code"]], ["http", 200])
        told = attributes(metrics["http.client.request.duration"].histogram.data_points[0])
        port = int(api.url.rsplit(":", 1)[1])
        expect("exchange", [told["server.address"], told["server.port"]], ["127.0.0.1", port])
        expect("unit of requests under way", metrics["http.server.active_requests"].unit, "{request}")
        expect("sessions", metrics["wharf.mcp.sessions"].gauge.data_points[0].as_double, 0.0)
        dropped = metrics["wharf.telemetry.dropped"].sum
        expect("dropped", [point.as_double for point in dropped.data_points], [0.0])
        expect("is monotonic", dropped.is_monotonic, True)


def a_collector_that_comes_later_gets_it():
    with Api() as api, Collector(refusals=1) as collector, served(collector, api, OTEL_METRICS_EXPORTER="none") as server:
        call(server, {"petId": 1}, headers=[("traceparent", f"00-{TRACE}-{SPAN}-01")])
        three(collector, TRACE)


def the_end_sends_what_waits():
    with Api() as api, Collector() as collector, served(collector, api) as server:
        call(server, {"petId": 1}, headers=[("traceparent", f"00-{TRACE}-{SPAN}-01")])
        server.process.send_signal(signal.SIGTERM)
        expect("the exit code", server.process.wait(WAIT_S), 0)
        names = sorted(span.name for span in collector.spans())
        expect("spans", names, ["GET /pets/{petId}", "POST /mcp", "tools/call getPet"])


def a_collector_that_hangs_holds_nobody_up():
    with Api() as api, Collector(silent=True) as collector, served(collector, api) as server:
        started = time.monotonic()
        for _ in range(50):
            call(server, {"petId": 1})
        took = time.monotonic() - started
        server.process.send_signal(signal.SIGTERM)
        try:
            code = server.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            raise Failure("the process waits for the collector") from None
        expect("the exit code", code, 0)
        return f"50 calls in {took:.1f} s"


def xray_is_read_and_sent_where_it_is_wanted():
    root = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    with Api() as api, Collector() as collector, served(collector, api, telemetry={"xray": True}) as server:
        call(server, {"petId": 1}, headers=[("X-Amzn-Trace-Id", root)])
        request, _, exchange = three(collector, "5759e988bd862e3fe1be46a994272793")
        expect("the request's parent", request.parent_span_id.hex(), "53995c3f42cd8ad8")
        sent = api.headers[0]["x-amzn-trace-id"]
        expect("what the API is sent", sent, root.replace("53995c3f42cd8ad8", exchange.span_id.hex()))
    with Api() as api, Collector() as collector, served(collector, api) as server:
        call(server, {"petId": 1}, headers=[("X-Amzn-Trace-Id", root)])
        if "x-amzn-trace-id" in api.headers[0]:
            raise Failure("it is sent where nobody asked for it")


def main():
    tally = harness.Tally()
    for judge in (
        a_call_is_three_spans,
        the_messages_own_context_comes_first,
        what_is_not_sampled_is_not_sent,
        failures_are_told,
        metrics_add_up,
        a_collector_that_comes_later_gets_it,
        the_end_sends_what_waits,
        a_collector_that_hangs_holds_nobody_up,
        xray_is_read_and_sent_where_it_is_wanted,
    ):
        tally.case(judge.__name__.replace("_", " "), judge)
    sys.exit(tally.finish())


if __name__ == "__main__":
    main()
