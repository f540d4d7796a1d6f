"""Lets callers with tokens of issuers that others wrote call the built binary, and others that it has to refuse.

The issuers are oidc-provider, whose keys and metadata are found by what it publishes, and moto's Amazon Cognito, whose name
is that of the real one and whose keys are elsewhere. No token may show in the server's log.

usage: callers.py
"""

import base64
import contextlib
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

import harness
from harness import Failure

PROGRAMS = harness.ROOT / "tests" / "callers"
ASK_S = 20
CLIENT, SECRET = "robot", "robot-secret"

LIST = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/list",
    "params": {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    },
}
HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/list",
}


def ask(url, data=None, headers=None):
    """The status, the headers and the JSON of an answer."""
    request = urllib.request.Request(url, data=data, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=ASK_S) as answer:
            return answer.status, answer.headers, json.load(answer)
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, error.headers, json.loads(text or b"null")


def challenge(headers):
    """The parameters of `WWW-Authenticate`."""
    kind, _, rest = headers.get("www-authenticate", "").partition(" ")
    if kind != "Bearer":
        raise Failure(f"the challenge is {headers.get('www-authenticate')}")
    return dict(re.findall(r'([a-z_]+)="([^"]*)"', rest))


class Issuer:
    def __init__(self, home, algorithm, port):
        self.url = f"http://127.0.0.1:{port}"
        words = [PROGRAMS / "issuer.mjs", port, CLIENT, SECRET, algorithm]
        self.server = harness.Server("node", *words, port=port, home=home)

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *_):
        self.server.__exit__()

    def token(self, resource, url=None):
        form = {"grant_type": "client_credentials", "scope": "pets:read"}
        form |= {"resource": resource} if resource else {}
        own = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        headers = {"authorization": f"Basic {own}", "content-type": "application/x-www-form-urlencoded"}
        status, _, told = ask(url or f"{self.url}/token", urllib.parse.urlencode(form).encode(), headers)
        if status != 200:
            raise Failure(f"no token: {told}\n{harness.tail(self.server.log())}")
        return told["access_token"]


class Wharf:
    """A running server, and what it was sent."""

    def __init__(self, demo, home, auth):
        port = harness.free_port()
        self.base = f"http://127.0.0.1:{port}"
        self.resource = f"{self.base}/mcp"
        self.sent = []
        config = {
            "server": {"http": f"127.0.0.1:{port}", "public_url": self.base},
            "auth": {"challenge_scopes": ["pets:read"]} | auth,
            "sources": {"pets": {"openapi": str(demo.document), "upstream": {"base_url": demo.store}}},
        }
        path = harness.Path(home) / f"wharf-{port}.yaml"
        # JSON is YAML.
        path.write_text(json.dumps(config))
        command = [harness.binary("wharf"), "--log", "debug", "serve", "--config", path]
        self.server = harness.Server(*command, port=port, home=home)

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, kind, *_):
        self.server.__exit__()
        for token in self.sent:
            if kind is None and token.strip(".").rsplit(".", 1)[-1] in self.server.log():
                raise Failure(f"a token was logged\n{harness.tail(self.server.log())}")

    def ask(self, token=None):
        headers = HEADERS | ({"authorization": f"Bearer {token}"} if token else {})
        self.sent += [token] if token else []
        return ask(self.resource, json.dumps(LIST).encode(), headers)

    def expect(self, token):
        status, headers, told = self.ask(token)
        if status != 200 or not told["result"]["tools"]:
            raise Failure(f"{status} {headers.get('www-authenticate')} {told}\n{harness.tail(self.server.log())}")
        return len(told["result"]["tools"])

    def refuse(self, token, description):
        status, headers, told = self.ask(token)
        found = challenge(headers)
        if status != 401 or found.get("error") != "invalid_token" or description not in found["error_description"]:
            raise Failure(f"{status} {found} {told}\n{harness.tail(self.server.log())}")
        if told["jsonrpc"] != "2.0" or not told["error"]["message"]:
            raise Failure(f"{told}")
        return description


def issued(demo, home, algorithm):
    """A token for this server, from an issuer of which only the name is known; refused are those for anybody else."""
    with Issuer(home, algorithm, harness.free_port()) as issuer:
        auth = {"issuers": [{"issuer": issuer.url}]}
        with Wharf(demo, home, auth) as wharf:
            tools = wharf.expect(issuer.token(wharf.resource))
            wharf.refuse(issuer.token("https://other.example/mcp"), "audience")
            wharf.refuse(issuer.token(None), "cannot be read")
            with Issuer(home, algorithm, harness.free_port()) as stranger:
                wharf.refuse(stranger.token(wharf.resource), "issuer")
    return f"{tools} tools"


def found(demo, home):
    """From the refusal to the token by nothing but what the answers say."""
    with Issuer(home, "RS256", harness.free_port()) as issuer:
        with Wharf(demo, home, {"issuers": [{"issuer": issuer.url}]}) as wharf:
            status, headers, _ = wharf.ask()
            told = challenge(headers)
            if status != 401 or told["scope"] != "pets:read" or "error" in told:
                raise Failure(f"{status} {told}")
            _, headers, resource = ask(told["resource_metadata"], headers={"origin": "https://any.example"})
            if headers["access-control-allow-origin"] != "*" or resource["resource"] != wharf.resource:
                raise Failure(f"{headers} {resource}")
            _, _, at_root = ask(f"{wharf.base}/.well-known/oauth-protected-resource")
            if at_root != resource:
                raise Failure(f"{at_root}")
            (server,) = resource["authorization_servers"]
            _, _, metadata = ask(f"{server}/.well-known/openid-configuration")
            tools = wharf.expect(issuer.token(resource["resource"], metadata["token_endpoint"]))
    return f"{tools} tools"


def rotation(demo, home):
    """New keys count at once, and the old ones no longer."""
    port = harness.free_port()
    with contextlib.ExitStack() as stack:
        with Issuer(home, "RS256", port) as issuer:
            wharf = stack.enter_context(Wharf(demo, home, {"issuers": [{"issuer": issuer.url}]}))
            wharf.expect(issuer.token(wharf.resource))
            unused = issuer.token(wharf.resource)
        with Issuer(home, "RS256", port) as issuer:
            wharf.expect(issuer.token(wharf.resource))
            wharf.refuse(unused, "a key that its issuer does not publish")
    return "a new key is taken, the old one is not"


def outage(demo, home):
    """An issuer that is down: tokens that were judged go on, others hear when to try again."""
    port = harness.free_port()
    with contextlib.ExitStack() as stack:
        with Issuer(home, "RS256", port) as issuer:
            auth = {"issuers": [{"issuer": issuer.url}]}
            wharf = stack.enter_context(Wharf(demo, home, auth))
            late = stack.enter_context(Wharf(demo, home, auth))
            unused = issuer.token(wharf.resource)
            wharf.expect(issuer.token(wharf.resource))
            never = issuer.token(late.resource)
        wharf.expect(unused)
        status, headers, told = late.ask(never)
        if status != 503 or not int(headers["retry-after"]) or "try again" not in told["error"]["message"]:
            raise Failure(f"{status} {told}")
    return "known keys go on, 503 without any"


def cognito(demo, home, pool):
    """Access tokens have no audience, so the client is what is compared; ID tokens are for the client alone."""
    issuer = {"issuer": pool["issuer"], "jwks_url": pool["keys"], "client_ids": [pool["client"]]}
    with Wharf(demo, home, {"issuers": [issuer]}) as wharf:
        tools = wharf.expect(pool["access"])
        wharf.refuse(pool["id"], "client")
    with Wharf(demo, home, {"issuers": [issuer | {"client_ids": ["another"]}]}) as wharf:
        wharf.refuse(pool["access"], "client")
    with Wharf(demo, home, {"issuers": [issuer | {"client_ids": [], "audiences": [pool["client"]]}]}) as wharf:
        wharf.refuse(pool["access"], "audience")
    return f"{tools} tools"


def several(demo, home, pool):
    """Several issuers and keys at once, each by its own rules."""
    with Issuer(home, "ES256", harness.free_port()) as issuer:
        cognito = {"issuer": pool["issuer"], "jwks_url": pool["keys"], "client_ids": [pool["client"]]}
        key = "a-key-that-is-long-enough"
        auth = {"issuers": [{"issuer": issuer.url}, cognito], "keys": [{"subject": "ci", "key": key}]}
        with Wharf(demo, home, auth) as wharf:
            for token in (issuer.token(wharf.resource), pool["access"], key):
                wharf.expect(token)
            header, claims, signature = issuer.token(wharf.resource).split(".")
            wharf.refuse(f"{header}.{claims}.{signature[:-8]}AAAAAAAA", "signature")
            unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
            wharf.refuse(f"{unsigned}.{claims}.", "algorithm")
            wharf.refuse(f"{key}x", "neither a key nor a token")
    return "two issuers and a key"


def client(demo, home):
    """A client that people use, with a token."""
    with Issuer(home, "RS256", harness.free_port()) as issuer:
        with Wharf(demo, home, {"issuers": [{"issuer": issuer.url}]}) as wharf:
            words = [harness.PYTHON, PROGRAMS / "client.py", wharf.resource]
            code, output, messages = harness.run([*words, issuer.token(wharf.resource)], timeout_s=60, home=home)
            if code != 0 or not harness.parse_json_line(output)["tools"]:
                raise Failure(f"{output}\n{harness.tail(messages)}\n{harness.tail(wharf.server.log())}")
            code, _, _ = harness.run([*words, "no-token"], timeout_s=60, home=home)
            if code == 0:
                raise Failure("a wrong token is enough")
    return "fastmcp"


def main():
    tally = harness.Tally()
    with harness.scratch() as home, harness.demo() as demo, contextlib.ExitStack() as stack:
        port = harness.free_port()
        moto = harness.PYTHON.parent / "moto_server"
        stack.enter_context(harness.Server(moto, "-H", "127.0.0.1", "-p", port, port=port, home=home))
        make = [harness.PYTHON, PROGRAMS / "pool.py", f"http://127.0.0.1:{port}/"]
        code, output, messages = harness.run(make, timeout_s=60, home=home)
        if code != 0:
            raise Failure(f"no user pool\n{harness.tail(messages)}")
        pool = harness.parse_json_line(output)
        for name, judge in [
            ("tokens by RS256", lambda: issued(demo, home, "RS256")),
            ("tokens by ES256", lambda: issued(demo, home, "ES256")),
            ("from the refusal to the token", lambda: found(demo, home)),
            ("keys that rotate", lambda: rotation(demo, home)),
            ("an issuer that is down", lambda: outage(demo, home)),
            ("Cognito", lambda: cognito(demo, home, pool)),
            ("several issuers and a key", lambda: several(demo, home, pool)),
            ("a client", lambda: client(demo, home)),
        ]:
            tally.case(name, judge)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
