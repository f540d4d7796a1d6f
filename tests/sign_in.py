"""Signs people in through the built binary, in front of an identity provider that registers nobody (oidc-provider).

Clients that others wrote (mcp-remote, fastmcp) and a client of ours go the whole way: challenge, metadata, registration or
a metadata document, consent, provider, code, token, call, refresh. Replicas come and go in the middle of it, and keys are
rotated. No token, code or secret may show in a log.

usage: sign_in.py
"""

import base64
import concurrent.futures
import contextlib
import hashlib
import http.server
import json
import os
import queue
import re
import secrets
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import harness
from harness import Failure

PROGRAMS = harness.ROOT / "tests" / "sign_in"
sys.path.insert(0, str(PROGRAMS))

from balancer import Balancer  # noqa: E402
from browser import Browser  # noqa: E402

CLIENT_SECRET = "provider-client-secret"
KEYS = ["first-key-" + "1" * 40, "second-key-" + "2" * 40]
REDIRECT = "http://127.0.0.1:1/callback"
CROWD, AT_ONCE = 100, 4
# What all replicas together permit of one tool, where they share a store, and at one time of another.
LIMIT, LIMITED_TOOL = 4, "getInventory"
AT_WORK, SLOW_TOOL, SLOW_S = 2, "getSlowReport", 5
SHARED_LIMIT = {
    "shared": True,
    "rules": [
        {"tools": [{"name": LIMITED_TOOL}], "per": "tool", "calls_max": LIMIT, "window_s": 3600},
        {"tools": [{"name": SLOW_TOOL}], "calls_in_flight_max": AT_WORK},
    ],
}
CALL_S = 60
# Long enough for a call, short enough to be waited for.
SHORT_S = 6
# What is used twice within this time ends nothing, and a second more.
AT_ONCE_S = 11


class Replica(harness.Server):
    """A `wharf serve`."""

    def __init__(self, place, *, port, keys, store=None, **sign_in):
        self.config = place.config(port, keys, store, sign_in)
        path = place.home / f"{port}.yaml"
        # JSON is YAML.
        path.write_text(json.dumps(self.config))
        command = [harness.binary("wharf"), "--log", "debug", "serve", "--config", path]
        super().__init__(*command, port=port, home=place.home)


class Place:
    """What all cases share: the provider, an API, and one public address."""

    def __init__(self, home, stack):
        self.home = home
        self.stack = stack
        self.port = harness.free_port()
        self.public = f"http://127.0.0.1:{self.port}"
        self.mcp = f"{self.public}/mcp"
        port = harness.free_port()
        self.issuer = f"http://127.0.0.1:{port}"
        words = [port, "wharf", CLIENT_SECRET, f"{self.public}/callback", f"{self.public}/logout?done=1"]
        # It finds its packages beside itself.
        self.provider = stack.enter_context(
            harness.Server("node", PROGRAMS / "provider.mjs", *words, port=port, home=home, cwd=home)
        )
        self.demo = stack.enter_context(harness.demo())
        self.certificate = certificate(home)

    def config(self, port, keys, store, sign_in):
        config = {
            "server": {
                "http": f"127.0.0.1:{port}",
                "public_url": self.public,
                # Each request may meet another replica.
                "sessions": False,
            },
            "sign_in": {
                "keys": keys,
                "provider": {"type": "oidc", "issuer": self.issuer},
                "client_id": "wharf",
                "client_secret": CLIENT_SECRET,
                "provider_scopes": ["openid", "email", "groups", "offline_access"],
                "provider_parameters": {"prompt": "consent"},
                "handed_on_claims": ["email"],
                "scopes": {
                    "pets:read": {"description": "Look at pets"},
                    "pets:write": {"description": "Change pets", "groups": ["editors"]},
                    "pets:rule": {"groups": ["rulers"]},
                },
                "client_documents": {"allow_private_networks": True, "ca_pem": self.certificate.read_text()},
            }
            | sign_in,
            "sources": {"pets": {"openapi": str(self.demo.document), "upstream": {"base_url": self.demo.store}}},
        }
        return config | ({"store": store, "limits": SHARED_LIMIT} if store else {})

    @contextlib.contextmanager
    def one(self, keys=KEYS[:1], **more):
        """One replica, at the public address itself."""
        with Replica(self, port=self.port, keys=keys, **more) as replica:
            yield replica
            keep_secrets(replica)

    @contextlib.contextmanager
    def three(self, **more):
        with contextlib.ExitStack() as stack:
            ports = [harness.free_port() for _ in range(3)]
            replicas = [Replica(self, port=port, keys=KEYS[:1], **more) for port in ports]
            for replica in replicas:
                stack.enter_context(replica)
            stack.enter_context(Balancer(self.port, ports))
            yield replicas
            keep_secrets(*replicas)

    def provider_says(self, name, text):
        """What the provider tells of people from now on; None for what it tells by itself."""
        path = self.home / name
        path.unlink(missing_ok=True) if text is None else path.write_text(text)


def certificate(home):
    """A certificate for loopback, and its key beside it."""
    path = home / "cert.pem"
    settings = home / "cert.conf"
    settings.write_text(
        "[req]\ndistinguished_name=dn\nx509_extensions=ext\nprompt=no\n[dn]\nCN=loopback\n"
        "[ext]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n"
    )
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    make += ["-days", "2", "-config", settings, "-keyout", home / "key.pem", "-out", path]
    code, _, messages = harness.run(make, timeout_s=30, home=home)
    if code != 0:
        raise Failure(f"no certificate\n{messages}")
    return path


# What was given out, to be looked for in logs.
given_out = {CLIENT_SECRET, *KEYS}


def keep_secrets(*replicas):
    said = "".join(replica.log() for replica in replicas)
    for secret in given_out:
        if secret in said:
            raise Failure(f"`{secret[:24]}…` stands in the log")


class Refused(Failure):
    """An answer that is an error, as RFC 6749 has it."""

    def __init__(self, status, answer, headers):
        super().__init__(f"{status}: {answer}")
        self.status = status
        self.answer = answer
        self.headers = headers


def ask(address, *, form=None, body=None, headers=None):
    """JSON from an address."""
    data = None
    headers = dict(headers or {})
    if form is not None:
        data = urllib.parse.urlencode(form).encode()
    elif body is not None:
        data = json.dumps(body).encode()
        headers["content-type"] = "application/json"
    request = urllib.request.Request(address, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=CALL_S) as answer:
            text = answer.read()
            return json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        text = error.read()
        try:
            told = json.loads(text)
        except ValueError:
            told = text.decode(errors="replace")
        raise Refused(error.code, told, error.headers) from None


def expect_refusal(code, act, status=400):
    try:
        act()
    except Refused as refused:
        if refused.status != status or not isinstance(refused.answer, dict) or refused.answer.get("error") != code:
            raise Failure(f"refused by {refused}, not by {code}") from None
        return refused
    raise Failure(f"not refused by {code}")


class Client:
    """A client that goes the whole way by what it is told, as MCP's authorization has it."""

    def __init__(self, place, client_id=None):
        self.place = place
        self.verifier = secrets.token_urlsafe(48)
        self.state = secrets.token_urlsafe(12)
        self.discover()
        self.id = client_id or self.register()

    def discover(self):
        try:
            call(self.place, None)
        except Refused as refused:
            challenge = refused.headers["www-authenticate"] or ""
            if refused.status != 401:
                raise Failure(f"without a token: {refused}") from None
        else:
            raise Failure("a call without a token is answered")
        resource = ask(re.search(r'resource_metadata="([^"]+)"', challenge)[1])
        if resource["resource"] != self.place.mcp:
            raise Failure(f"{resource}")
        (issuer,) = resource["authorization_servers"]
        self.metadata = ask(f"{issuer}/.well-known/oauth-authorization-server")
        if self.metadata["issuer"] != issuer:
            raise Failure(f"{issuer} calls itself {self.metadata['issuer']}")

    def register(self):
        body = {"client_name": "A <test> client", "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none"}
        return ask(self.metadata["registration_endpoint"], body=body)["client_id"]

    def address(self, **changed):
        challenge = hashlib.sha256(self.verifier.encode()).digest()
        parameters = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": REDIRECT,
            "scope": "pets:read pets:write pets:rule",
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            "resource": self.place.mcp,
        } | changed
        parameters = {name: value for name, value in parameters.items() if value is not None}
        return f"{self.metadata['authorization_endpoint']}?{urllib.parse.urlencode(parameters)}"

    def code(self, browser=None, pause=None, **changed):
        page = (browser or Browser()).go(self.address(**changed), until=REDIRECT, pause=pause)
        return self.code_of(page)

    def code_of(self, page):
        if not page.address.startswith(REDIRECT):
            raise Failure(f"the sign-in ends with {page.status} at {page.address.split('?')[0]}\n{page.body}")
        told = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.address).query))
        if told.get("state") != self.state or told.get("iss") != self.metadata["issuer"]:
            raise Failure(f"{told}")
        if "code" not in told:
            raise Failure(f"{told['error']}: {told.get('error_description')}")
        given_out.add(told["code"])
        return told["code"]

    def tokens(self, **form):
        answer = ask(self.metadata["token_endpoint"], form={"client_id": self.id} | form)
        given_out.update(answer[name] for name in ("access_token", "refresh_token") if name in answer)
        return answer

    def redeem(self, code, **changed):
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT}
        return self.tokens(**form | {"code_verifier": self.verifier, "resource": self.place.mcp} | changed)

    def refresh(self, tokens, **changed):
        return self.tokens(**{"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]} | changed)

    def sign_in(self, **more):
        return self.redeem(self.code(**more))


def call(place, token):
    """The number of a pet, by an MCP call."""
    return call_tool(place, token, "getPet", petId=1)["id"]


def call_tool(place, token, name, **arguments):
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    answer = ask(place.mcp, body=message, headers=headers)
    if "result" not in answer:
        raise Failure(f"{answer}")
    return answer["result"]["structuredContent"]


def expect_call(place, tokens):
    if call(place, tokens["access_token"]) != 1:
        raise Failure("another pet")


def whole_way(place):
    """Challenge, metadata, registration, consent, code, call, refresh, call; what was used is not taken again."""
    with place.one() as replica:
        client = Client(place)
        code = client.code()
        tokens = client.redeem(code)
        if tokens["scope"] != "pets:read pets:write":
            raise Failure(f"the scope of an editor is {tokens['scope']}")
        expect_call(place, tokens)
        renewed = client.refresh(tokens)
        expect_call(place, renewed)
        if renewed["refresh_token"] == tokens["refresh_token"]:
            raise Failure("the refresh token stays the same")
        # Two windows may refresh at the same time: who comes second ends nothing.
        expect_refusal("invalid_grant", lambda: client.refresh(tokens))
        renewed = client.refresh(renewed)
        expect_call(place, renewed)
        expect_refusal("invalid_grant", lambda: client.redeem(code))
        renewed = client.refresh(renewed)
        # Ten seconds later it is a copy that comes: nothing of the sign-in is good any more.
        time.sleep(AT_ONCE_S)
        expect_refusal("invalid_grant", lambda: client.refresh(tokens))
        expect_refusal("invalid_grant", lambda: client.refresh(renewed))
        if "a sign-in failed" not in replica.log():
            raise Failure("a refusal is not in the log")
    return "used codes and refresh tokens are refused"


def leaver(place):
    """Groups are looked at again with each refresh; a person whom the provider ends is out."""
    with place.one():
        client = Client(place)
        tokens = client.sign_in()
        place.provider_says("groups", "rulers")
        try:
            renewed = client.refresh(tokens)
        finally:
            place.provider_says("groups", None)
        if renewed["scope"] != "pets:read pets:rule":
            raise Failure(f"the scope of a ruler is {renewed['scope']}")
        ask(client.metadata["revocation_endpoint"], form={"client_id": client.id, "token": renewed["refresh_token"]})
        expect_refusal("invalid_grant", lambda: client.refresh(renewed))
    return "from editor to ruler, then taken back"


def by_document(place):
    """A client that brings a metadata document, over TLS."""
    with document_server(place) as (client_id, document), place.one():
        document |= {"client_id": client_id, "client_name": "With a document", "redirect_uris": [REDIRECT]}
        client = Client(place, client_id)
        if client.metadata["client_id_metadata_document_supported"] is not True:
            raise Failure(f"{client.metadata}")
        seen = []
        tokens = client.sign_in(pause=seen.append)
        expect_call(place, tokens)
        expect_call(place, client.refresh(tokens))
        elsewhere = Client(place, client_id.replace("client.json", "other.json"))
        page = Browser().ask("GET", elsewhere.address())
        if page.status != 400 or "about another client" not in page.body:
            raise Failure(f"{page.status}\n{page.body}")
    return "and one about another client is refused"


@contextlib.contextmanager
def document_server(place):
    """A document over TLS: its address, and what it says."""
    document = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place.certificate, place.home / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_address[1]}/client.json", document
    finally:
        server.shutdown()
        server.server_close()


def crowd(place, store=None):
    """Many sign-ins at once, each step by whichever replica comes next."""
    with place.three(store=store):
        def one(_):
            client = Client(place)
            tokens = client.sign_in()
            expect_call(place, tokens)
            renewed = client.refresh(tokens)
            expect_call(place, renewed)

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(one, number) for number in range(CROWD)]:
                done.result()
    return f"{CROWD} sign-ins, calls and refreshes over 3 replicas, none failed"


def store_server(place):
    """The program of a Redis or Valkey server, the port that it will have and how to start it; none where there is none."""
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if not program:
        return None
    port = harness.free_port()
    command = [program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", place.home]
    return program, port, lambda: harness.Server(*command, port=port, home=place.home)


NO_STORE = "not run: neither valkey-server nor redis-server is installed"


def shared_store(place):
    """With a store that replicas share, of many who redeem a code at once one gets tokens."""
    if not (found := store_server(place)):
        return NO_STORE
    _, port, start = found
    store = {"type": "redis", "url": f"redis://127.0.0.1:{port}"}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(start())
        replicas = stack.enter_context(place.three(store=store))
        client = Client(place)
        for kind in ("code", "refresh token"):
            if kind == "code":
                value = client.code()
                use = lambda: client.redeem(value)  # noqa: E731
            else:
                use = lambda: client.refresh(tokens)  # noqa: E731
            won = []
            with concurrent.futures.ThreadPoolExecutor(6) as pool:
                for tried in [pool.submit(use) for _ in range(6)]:
                    with contextlib.suppress(Refused):
                        won.append(tried.result())
            if len(won) != 1:
                raise Failure(f"a {kind} was redeemed {len(won)} times")
            (tokens,) = won
        # Each of the three would permit as many by itself.
        permitted = 0
        for _ in range(3 * LIMIT):
            with contextlib.suppress(Refused):
                call_tool(place, tokens["access_token"], LIMITED_TOOL)
                permitted += 1
        if permitted != LIMIT:
            raise Failure(f"{permitted} calls were permitted, not {LIMIT}")
        # Each replica would let as many work at one time. What has ended makes room for others.
        slow = lambda: call_tool(place, tokens["access_token"], SLOW_TOOL, seconds=SLOW_S)  # noqa: E731
        for _ in range(2):
            served = 0
            with concurrent.futures.ThreadPoolExecutor(3 * AT_WORK) as pool:
                for tried in [pool.submit(slow) for _ in range(3 * AT_WORK)]:
                    with contextlib.suppress(Refused):
                        tried.result()
                        served += 1
            if served != AT_WORK:
                raise Failure(f"{served} calls were at work at one time, not {AT_WORK}")
            # Places are left beside the answers.
            time.sleep(0.5)
        # While it is down nobody gets in by default, and nobody loses what they have.
        tokens = client.sign_in()
        code = client.code()
        harness.end(server.process)
        expect_refusal("temporarily_unavailable", lambda: client.refresh(tokens), status=503)
        refused = expect_refusal("temporarily_unavailable", lambda: client.redeem(code), status=503)
        if "store" not in refused.answer["error_description"]:
            raise Failure(f"{refused}")
        if not any("the store cannot tell" in replica.log() for replica in replicas):
            raise Failure("the log does not tell of the store")
        stack.enter_context(start())
        deadline = time.monotonic() + CALL_S
        while True:
            try:
                expect_call(place, client.refresh(tokens))
                break
            except Refused as refused:
                if refused.status != 503 or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
    return f"one of 6 wins; {LIMIT} calls of three replicas, {AT_WORK} at one time; refused while the store is down"


def places_left(place):
    """Whoever ends with a call at work leaves its place in the store: over HTTP when the grace time ends, on stdio too."""
    if not (found := store_server(place)):
        return NO_STORE
    program, port, start = found
    ask_store = [program.replace("-server", "-cli"), "-p", port, "SCAN", 0, "COUNT", 1000, "TYPE", "zset"]

    def places():
        code, output, messages = harness.run(ask_store, timeout_s=CALL_S, home=place.home)
        if code != 0:
            raise Failure(messages)
        # The first is where a further scan would begin.
        return output.split()[1:]

    def until(is_taken):
        deadline = time.monotonic() + CALL_S
        while bool(places()) != is_taken:
            if time.monotonic() > deadline:
                raise Failure(f"places are {places()}")
            time.sleep(0.05)

    def ended(process):
        os.killpg(process.pid, signal.SIGTERM)
        code = process.wait(CALL_S)
        if code != 0 or places():
            raise Failure(f"it ended with {code} and left {places()}")

    config = {
        "server": {"sessions": False, "limits": {"shutdown_grace_s": 1}},
        "store": {"type": "redis", "url": f"redis://127.0.0.1:{port}"},
        "limits": {"shared": True, "rules": [{"calls_in_flight_max": 1}]},
        "sources": {"pets": {"openapi": str(place.demo.document), "upstream": {"base_url": place.demo.store}}},
    }
    path = place.home / "places.yaml"
    path.write_text(json.dumps(config))
    slow = {"name": SLOW_TOOL, "arguments": {"seconds": 25}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": slow}
    with start():
        http_port = harness.free_port()
        serve = [harness.binary("wharf"), "serve", "--config", path]
        with harness.Server(*serve, "--http", f"127.0.0.1:{http_port}", port=http_port, home=place.home) as server:
            headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                cut = pool.submit(ask, f"http://127.0.0.1:{http_port}/mcp", body=message, headers=headers)
                until(is_taken=True)
                ended(server.process)
                if not cut.exception():
                    raise Failure("the call was answered")
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        process = subprocess.Popen(
            [*serve, "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            env=harness.environment(place.home),
            start_new_session=True,
        )
        try:
            for said in ({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}, message):
                process.stdin.write(json.dumps(said) + "\n")
                process.stdin.flush()
            until(is_taken=True)
            ended(process)
        finally:
            harness.end(process)
    return "over HTTP and on stdio"


def restarts(place):
    """The only replica is ended and started again before each step."""
    steps = []
    with contextlib.ExitStack() as stack:
        place_of = {"running": stack.enter_context(contextlib.ExitStack())}

        def restart(step):
            steps.append(step)
            place_of["running"].close()
            place_of["running"] = stack.enter_context(contextlib.ExitStack())
            place_of["running"].enter_context(place.one())

        restart("start")
        client = Client(place)
        pause = lambda step: restart(step) if step == "consent" or step.startswith(place.public) else None  # noqa: E731
        code = client.code(pause=pause)
        restart("token")
        tokens = client.redeem(code)
        restart("call")
        expect_call(place, tokens)
        restart("refresh")
        expect_call(place, client.refresh(tokens))
    return f"{len(steps) - 1} restarts in one sign-in"


def rotation(place):
    """A new key comes in front in the middle of a sign-in; the old one goes when what it sealed has ended."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(first := contextlib.ExitStack())
        first.enter_context(place.one(keys=KEYS[:1]))
        client = Client(place)
        browser = Browser()
        page = browser.ask("GET", client.address())
        first.close()
        with place.one(keys=[KEYS[1], KEYS[0]]):
            page = browser.go(browser.allow(page).location(), until=REDIRECT)
            tokens = client.redeem(client.code_of(page))
            expect_call(place, tokens)
            tokens = client.refresh(tokens)
        with place.one(keys=KEYS[1:]):
            expect_call(place, tokens)
            # The client's registration was sealed by the key that is gone.
            expect_refusal("invalid_client", lambda: client.refresh(tokens), status=401)
            expect_call(place, Client(place).sign_in())
    return "in the middle; afterwards the old client registers anew"


def expect_line(replica, attempt, fault):
    """A line of the log that says whose fault it is that an attempt failed."""
    lines = [line for line in replica.log().splitlines() if attempt in line and "failed" in line]
    if any(re.search(rf'fault"?[=:]\s*"?{fault}', line) for line in lines):
        return
    raise Failure(f"the log does not say whose fault {attempt} is ({fault})\n{harness.tail(replica.log())}")


def told(place):
    """Failures have an id, somebody whose fault it is, and what to do: on the page, and in the log."""
    with place.one() as replica:
        client = Client(place)

        def expect(page, status, fault, words):
            attempt = page.attempt()
            if page.status != status or words not in page.body or not attempt:
                raise Failure(f"{page.status}, expected {status} and `{words}`\n{page.body}")
            expect_line(replica, attempt, fault)

        evil = "https://evil.example/cb"
        expect(Browser().ask("GET", client.address(redirect_uri=evil)), 400, "client", "not one that the client registered")
        expect(Browser().ask("GET", client.address(client_id="unknown")), 400, "client", "not known here")
        expect_refusal(
            "invalid_redirect_uri",
            lambda: ask(client.metadata["registration_endpoint"], body={"redirect_uris": [evil]}),
        )
        # Another browser than the one that began.
        page = Browser().ask("GET", client.address())
        expect(Browser().allow(page), 403, "person", "another browser")
        for changed, error in [
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge": None}, "invalid_request"),
            ({"resource": "https://other.example/mcp"}, "invalid_target"),
            ({"response_type": "token"}, "unsupported_response_type"),
        ]:
            page = Browser().ask("GET", client.address(**changed))
            if f"error={error}&" not in (page.location() or ""):
                raise Failure(f"{changed}: {page.status} {page.location()}")
        # The person refuses, or the provider refuses the person.
        browser = Browser()
        refused = browser.allow(browser.ask("GET", client.address()), "refuse").location()
        if "error=access_denied" not in refused:
            raise Failure(refused)
        place.provider_says("account", "no-one")
        try:
            page = Browser().go(client.address(), until=REDIRECT)
        finally:
            place.provider_says("account", None)
        if "error=access_denied" not in page.address:
            raise Failure(page.address)
        expect_line(replica, re.search(r"sign-in\+([0-9a-f]{16})", page.address)[1], "person")
        # Wrong verifier; another's code.
        code = client.code()
        expect_refusal("invalid_grant", lambda: client.redeem(code, code_verifier="x" * 50))
        other = Client(place)
        expect_refusal("invalid_grant", lambda: other.redeem(code))
        client.redeem(code)
    with place.one(client_secret="wrong") as replica:
        try:
            Client(place).code()
        except Failure as failure:
            attempt = re.search(r"sign-in ([0-9a-f]{16})", str(failure))[1]
        else:
            raise Failure("signed in with a wrong secret")
        expect_line(replica, attempt, "configuration")
    return "client, person and configuration"


def fastmcp(place):
    """fastmcp registers, and opens a browser once; the ended token is refreshed."""
    return drive_fastmcp(place, [])


def fastmcp_by_document(place):
    """fastmcp brings a metadata document instead of registering."""
    with document_server(place) as (client_id, document):
        redirects = ["http://localhost/callback", "http://127.0.0.1/callback"]
        document |= {"client_id": client_id, "client_name": "fastmcp", "redirect_uris": redirects}
        met = drive_fastmcp(place, [client_id])
    if "register" in met:
        raise Failure(met)
    return met


def drive_fastmcp(place, more):
    with place.one(access_token_life_s=SHORT_S) as replica:
        command = [harness.PYTHON, PROGRAMS / "python_fastmcp.py", place.mcp, SHORT_S + 1, *more]
        # The ampersand: it opens the browser before it listens.
        extra = {"BROWSER": f"{harness.PYTHON} {PROGRAMS / 'browser.py'} %s &"}
        code, output, messages = harness.run(command, timeout_s=CALL_S, home=place.home, extra=extra)
        if code != 0:
            raise Failure(f"ended with {code}\n{harness.tail(output)}\n{harness.tail(messages)}\n{harness.tail(replica.log())}")
        met = harness.parse_json_line(output)
        if [answer["id"] for answer in met["answers"]] != [1, 1]:
            raise Failure(f"{met}")
        return steps(replica)


def steps(replica):
    """How often each step was gone."""
    count = {}
    for line in replica.log().splitlines():
        if "a sign-in goes on" in line and (step := re.search(r'step"?[=:]\s*"?([a-z]+)', line)):
            count[step[1]] = count.get(step[1], 0) + 1
    if count.get("callback") != 1 or not count.get("refresh"):
        raise Failure(f"the steps are {count}\n{harness.tail(replica.log())}")
    return ", ".join(f"{number} {step}" for step, number in count.items())


class Remote:
    """mcp-remote: MCP over its standard streams, and the address of the sign-in among its messages."""

    def __init__(self, place):
        proxy = harness.NODE_MODULES / "mcp-remote" / "dist" / "proxy.js"
        self.process = subprocess.Popen(
            ["node", proxy, place.mcp, str(harness.free_port())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # No browser of this machine may come up.
            env=harness.environment(place.home) | {"BROWSER": "true"},
            start_new_session=True,
        )
        self.answers = queue.Queue()
        self.words = []
        self.opened = 0
        threading.Thread(target=lambda: [self.answers.put(line) for line in self.process.stdout], daemon=True).start()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stderr:
            self.words.append(line)
            if found := re.match(r"\s*(http://\S+/authorize\?\S+)", line):
                self.opened += 1
                threading.Thread(target=Browser().go, args=(found[1],), daemon=True).start()

    def ask(self, number, method, params):
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self.send(message)
        while True:
            try:
                answer = json.loads(self.answers.get(timeout=CALL_S))
            except queue.Empty:
                raise Failure(f"no answer to {method}\n{''.join(self.words)[-3000:]}") from None
            if answer.get("id") == number:
                if "result" not in answer:
                    raise Failure(f"{answer}\n{''.join(self.words)[-3000:]}")
                return answer["result"]

    def send(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()


def mcp_remote(place):
    """mcp-remote goes the whole way once, and refreshes by itself."""
    with place.one(access_token_life_s=SHORT_S) as replica:
        remote = Remote(place)
        try:
            hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
            remote.ask(1, "initialize", hello)
            remote.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
            pet = {"name": "getPet", "arguments": {"petId": 1}}
            for number in (2, 3):
                result = remote.ask(number, "tools/call", pet)
                if result["structuredContent"]["id"] != 1:
                    raise Failure(f"{result}")
                time.sleep(SHORT_S + 1 if number == 2 else 0)
            if remote.opened != 1:
                raise Failure(f"{remote.opened} browsers were opened")
            return steps(replica)
        finally:
            harness.end(remote.process)


def chromium(place):
    """A real browser shows the consent page without a complaint, keeps its cookie, and follows the way to the client."""
    program = shutil.which("chromium")
    if not program:
        return "not run: chromium is not installed"
    with place.one():
        client = Client(place)
        picture = place.home / "consent.png"
        command = ["node", PROGRAMS / "chromium.mjs", program, client.address(), REDIRECT, picture, place.home / "chromium"]
        code, output, messages = harness.run(command, timeout_s=CALL_S, home=place.home)
        if code != 0:
            raise Failure(f"ended with {code}\n{harness.tail(output)}\n{harness.tail(messages)}")
        met = harness.parse_json_line(output)
        for words in ("A <test> client", "Look at pets", "a program on this computer", "Allow", "Refuse"):
            if words not in met["text"]:
                raise Failure(f"the page does not say `{words}`\n{met['text']}")
        if met["complaints"]:
            raise Failure(f"{met['complaints']}")
        told = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(met["end"]).query))
        given_out.add(told["code"])
        expect_call(place, client.redeem(told["code"]))
        if kept := os.environ.get("WHARF_TEST_PICTURE"):
            shutil.copy(picture, kept)
        return f"a page of {picture.stat().st_size} bytes"


def sign_out(place):
    """The way out leads over the provider and back to a page of ours."""
    with place.one():
        client = Client(place)
        browser = Browser()
        client.code(browser=browser)
        page = browser.ask("GET", f"{place.public}/logout")
        if not page.location().startswith(f"{place.issuer}/session/end?"):
            raise Failure(f"{page.location()}")
        page = Browser().ask("GET", f"{place.public}/logout?done=1")
        if page.status != 200 or "signed out" not in page.body:
            raise Failure(page.body)
    return "over the provider"


def main():
    tally = harness.Tally()
    with harness.scratch() as home, contextlib.ExitStack() as stack:
        place = Place(Path(home), stack)
        for name, judge in [
            ("the whole way", whole_way),
            ("who leaves a group, or is out", leaver),
            ("a client with a document", by_document),
            ("mcp-remote", mcp_remote),
            ("fastmcp", fastmcp),
            ("fastmcp with a document", fastmcp_by_document),
            ("a crowd over three replicas", crowd),
            ("a shared store", shared_store),
            ("places that are left", places_left),
            ("restarts in the middle", restarts),
            ("a rotation in the middle", rotation),
            ("failures are told", told),
            ("signing out", sign_out),
            ("Chromium", chromium),
        ]:
            if len(sys.argv) < 2 or sys.argv[1] in name:
                tally.case(name, lambda: judge(place))
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
