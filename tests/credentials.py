"""Lets the built binary get its credentials from services that others wrote, and an API judge them.

The services are oidc-provider, an OAuth authorization server, and moto's Amazon Cognito and other services of AWS;
signatures are checked by botocore, and by moto, which knows who may do what. The API (`credentials/api.py`) takes only what those call good. Nothing secret may show in an answer or a log.

usage: credentials.py
"""

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
import urllib.request

import harness
from harness import Failure

PROGRAMS = harness.ROOT / "tests" / "credentials"
CALL_S = 20
CROWD = 20

USER, PASSWORD = "ann", "A-pass-word-1"
CLIENT, SECRET = "wharf one", "se/cr:et+1"
AWS_SECRET = "an-aws-secret"
KEYS = {"headerKey": "header-key", "queryKey": "query-key", "cookieKey": "cookie-key"}
STORED = {"queryKey": KEYS["queryKey"], "cookie": {"no": "text"}, "port": 1}
SECRETS = [PASSWORD, SECRET, AWS_SECRET, "for-the-document", *KEYS.values()]

LIFETIME_S = 600
SHORT_S = 2


class Client:
    """MCP over the standard streams of a `wharf serve`, or of what `arguments` make of wharf."""

    def __init__(self, config, home, extra=None, arguments=None):
        path = home / "wharf.yaml"
        # JSON is YAML.
        path.write_text(json.dumps(config))
        if arguments is None:
            arguments = ["--log", "trace", "serve", "--config", path, "--stdio"]
        self.process = subprocess.Popen(
            [harness.binary("wharf"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=harness.environment(home) | (extra or {}),
            start_new_session=True,
        )
        self.answers = queue.Queue()
        self.words = []
        for stream, take in ((self.process.stdout, self.answers.put), (self.process.stderr, self.words.append)):
            threading.Thread(target=lambda stream=stream, take=take: [take(line) for line in stream], daemon=True).start()
        self.number = 0

    def __enter__(self):
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        self.ask([("initialize", hello)])
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self

    def __exit__(self, *_):
        harness.end(self.process)

    def send(self, message):
        try:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
        except OSError:
            self.process.wait(harness.STOP_S)
            raise Failure(f"wharf has ended\n{''.join(self.words)}") from None

    def ask(self, requests):
        """Sends requests at once and returns their results, in the order in which they came."""
        for method, params in requests:
            self.number += 1
            self.send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        results = []
        for _ in requests:
            try:
                answer = json.loads(self.answers.get(timeout=CALL_S))
            except queue.Empty:
                raise Failure(f"no answer within {CALL_S} s\n{''.join(self.words)}") from None
            if "result" not in answer:
                raise Failure(f"{answer}")
            results.append(answer["result"])
        return results

    def call(self, tool, times=1, **arguments):
        return self.ask([("tools/call", {"name": tool, "arguments": arguments})] * times)

    def expect(self, tool, told, times=1, **arguments):
        """Calls that all have to be answered by `told`."""
        for result in self.call(tool, times, **arguments):
            if result["isError"] if "isError" in result else False:
                raise Failure(f"`{tool}` fails: {result['content'][0]['text']}\n{''.join(self.words)}")
            if result["structuredContent"] != told:
                raise Failure(f"`{tool}` answers {result['structuredContent']}, not {told}")

    def keep_secrets(self, *results):
        """Looks for secrets in what was said to anybody."""
        said = "".join(self.words) + json.dumps(results)
        for secret in SECRETS:
            if secret in said:
                raise Failure(f"`{secret}` was said:\n{said}")


class Services:
    """The running services, and what the tests count in their words."""

    def __init__(self, home, stack):
        self.home = home
        self.stack = stack
        ports = [harness.free_port() for _ in range(5)]
        self.basic = self.issuer(ports[0], "client_secret_basic", LIFETIME_S)
        self.post = self.issuer(ports[1], "client_secret_post", LIFETIME_S)
        self.short = self.issuer(ports[2], "client_secret_basic", SHORT_S)
        # What a user pool's domain does for clients, moto does not: an OAuth server under a pool's path stands there.
        self.domain = self.issuer(ports[4], "client_secret_basic", LIFETIME_S, "/oauth2/token")
        moto = harness.PYTHON.parent / "moto_server"
        self.start(moto, "-H", "127.0.0.1", "-p", ports[3], port=ports[3])
        self.cognito = f"http://127.0.0.1:{ports[3]}/"
        make = [harness.PYTHON, PROGRAMS / "pool.py", self.cognito, USER, PASSWORD]
        code, output, messages = harness.run(make, timeout_s=60, home=home)
        if code != 0:
            raise Failure(f"no user pool\n{harness.tail(messages)}")
        self.pool = harness.parse_json_line(output)

    def account(self):
        """An AWS account whose one person has only what takes on a role, with files of profiles in a home of its own."""
        port = harness.free_port()
        moto = harness.PYTHON.parent / "moto_server"
        self.start(moto, "-H", "127.0.0.1", "-p", port, port=port)
        url = f"http://127.0.0.1:{port}"
        make = [harness.PYTHON, PROGRAMS / "stores.py", url, KEYS["headerKey"], json.dumps(STORED)]
        code, output, messages = harness.run(make, timeout_s=60, home=self.home)
        if code != 0:
            raise Failure(f"no account\n{harness.tail(messages)}")
        return Account(url, harness.parse_json_line(output), self.home)

    def start(self, *command, port):
        return self.stack.enter_context(harness.Server(*command, port=port, home=self.home))

    def issuer(self, port, authentication, lifetime, path="/token"):
        words = [port, CLIENT, SECRET, authentication, lifetime, path]
        server = self.start("node", PROGRAMS / "issuer.mjs", *words, port=port)
        return Issuer(server, f"http://127.0.0.1:{port}")

    @contextlib.contextmanager
    def api(self, issuer):
        port = harness.free_port()
        command = [harness.PYTHON, PROGRAMS / "api.py", port, issuer.url, self.cognito]
        with harness.Server(*command, port=port, home=self.home) as server:
            yield Api(server, f"http://127.0.0.1:{port}")


class Account:
    def __init__(self, url, names, home):
        self.arn = names["arn"]
        profiles = home / "profiles"
        profiles.write_text(
            f"[profile ann]\naws_access_key_id = {names['key']}\naws_secret_access_key = {names['secret_key']}\n"
            f"[profile pets]\nrole_arn = {names['role']}\nsource_profile = ann\nregion = eu-west-1\n"
        )
        SECRETS.append(names["secret_key"])
        self.ann = {"AWS_CONFIG_FILE": str(profiles), "AWS_ENDPOINT_URL": url, "AWS_PROFILE": "ann", "AWS_REGION": "eu-west-1"}
        self.role = {"AWS_CONFIG_FILE": str(profiles), "AWS_ENDPOINT_URL": url, "AWS_PROFILE": "pets"}


class Issuer:
    def __init__(self, server, url):
        self.server = server
        self.url = url

    def issued(self):
        return self.server.log().count("issued a token")

    def credentials(self, **more):
        own = {"type": "oauth_client_credentials", "token_url": f"{self.url}/token"}
        return own | {"client_id": CLIENT, "client_secret": SECRET, "scopes": ["pets:read"]} | more


class Api:
    def __init__(self, server, url):
        self.server = server
        self.url = url

    def config(self, schemes, **source):
        documents = {"document_credentials": {"type": "bearer", "token": "for-the-document"}}
        upstream = {"base_url": self.url, "schemes": schemes}
        return {"sources": {"api": {"openapi": f"{self.url}/openapi.json", "upstream": upstream} | documents | source}}


def client_credentials(services, issuer, **more):
    """One token serves a crowd of calls."""
    told = {"client": CLIENT, "scope": "pets:read"}
    before = issuer.issued()
    with services.api(issuer) as api:
        with Client(api.config({"client": issuer.credentials(**more)}), services.home) as client:
            client.expect("asClient", told, CROWD)
            client.expect("writeAsClient", told)
            client.expect("open", {"credentials": []})
            client.keep_secrets()
    issued = issuer.issued() - before
    if issued != 1:
        raise Failure(f"{issued} tokens were issued")
    return f"{CROWD + 1} calls, one token"


def expiry(services):
    """A token that ends is replaced, and no call fails for it."""
    issuer = services.short
    with services.api(issuer) as api:
        with Client(api.config({"client": issuer.credentials()}), services.home) as client:
            for _ in range(3):
                client.expect("asClient", {"client": CLIENT, "scope": "pets:read"}, 3)
                time.sleep(SHORT_S + 0.5)
    issued = issuer.issued()
    if not 3 <= issued <= 6:
        raise Failure(f"{issued} tokens were issued")
    return f"{issued} tokens"


def revocation(services):
    """A token that the API refuses is renewed once, and the call repeated."""
    with contextlib.ExitStack() as stack:
        told = {"client": CLIENT, "scope": "pets:read"}
        port = harness.free_port()
        words = [port, CLIENT, SECRET, "client_secret_basic", LIFETIME_S, "/token"]
        issuer = f"http://127.0.0.1:{port}"
        node = ["node", PROGRAMS / "issuer.mjs", *words]
        with harness.Server(*node, port=port, home=services.home) as server:
            api = stack.enter_context(services.api(Issuer(server, issuer)))
            config = api.config({"client": Issuer(server, issuer).credentials()})
            client = stack.enter_context(Client(config, services.home))
            client.expect("asClient", told)
        # An issuer that was started anew knows none of the old tokens.
        with harness.Server(*node, port=port, home=services.home) as server:
            client.expect("writeAsClient", told, 5)
            issued = Issuer(server, issuer).issued()
            if issued != 1:
                raise Failure(f"{issued} tokens were issued")
        refused = api.server.log().count("refused")
        return f"refused {refused} times, one new token"


def refusal(services):
    """An issuer that refuses: the call says so, and nobody learns the secret."""
    issuer = services.basic
    wrong = issuer.credentials(client_secret="wrong-secret")
    with services.api(issuer) as api:
        with Client(api.config({"client": wrong}), services.home) as client:
            results = client.call("asClient", 3)
            for result in results:
                if not result.get("isError") or "no credentials" not in result["content"][0]["text"]:
                    raise Failure(f"{result}")
            client.keep_secrets(*results)
            said = "".join(client.words)
            if "invalid_client" not in said or "wrong-secret" in said:
                raise Failure(said)
    return "invalid_client"


def cognito(services, token):
    user = {
        "type": "cognito_password",
        "region": "eu-west-1",
        "endpoint": services.cognito,
        "username": USER,
        "password": PASSWORD,
        "token": token,
    } | services.pool
    with services.api(services.basic) as api:
        with Client(api.config({"user": user}), services.home) as client:
            client.expect("asUser", {"user": USER, "use": token}, CROWD)
            client.keep_secrets()
    return f"{CROWD} calls"


def cognito_refusal(services):
    user = {
        "type": "cognito_password",
        "region": "eu-west-1",
        "endpoint": services.cognito,
        "username": USER,
        "password": "wrong-password",
    } | services.pool
    with services.api(services.basic) as api:
        with Client(api.config({"user": user}), services.home) as client:
            (result,) = client.call("asUser")
            said = "".join(client.words)
            if not result.get("isError") or "NotAuthorizedException" not in said or "wrong-password" in said:
                raise Failure(f"{result}\n{said}")
    return "NotAuthorizedException"


def signature(services, extra, **keys):
    aws = {"type": "sigv4", "service": "execute-api", "region": "eu-west-1"} | keys
    with services.api(services.basic) as api:
        with Client(api.config({"signature": aws}), services.home, extra) as client:
            for name, query, body in [
                ("plain", [], {"a": 1}),
                ("a b/ä~", ["z", "a b", "a=b&c", "*", "+"], {"text": "ä of the caller"}),
            ]:
                told = {"key": "AKIDEXAMPLE", "body": body}
                arguments = {"name": name, "q": query} | ({} if query else {})
                client.expect("signed", told, **(arguments | body_arguments(client, body)))
            client.keep_secrets()
            # Nor anything else of the call: what is signed holds all of it.
            for word in ("of the caller", "a=b", "AWS4-HMAC"):
                if word in "".join(client.words):
                    raise Failure(f"`{word}` was said:\n{''.join(client.words)}")
    return "checked by botocore"


def body_arguments(client, body):
    """The body is open, so its members are arguments of their own, or it is one argument as a whole."""
    (listed,) = client.ask([("tools/list", {})])
    (tool,) = [tool for tool in listed["tools"] if tool["name"] == "signed"]
    return {"body": body} if "body" in tool["inputSchema"]["properties"] else body


def keys(services):
    """Keys go where the document says, and are nobody's argument."""
    schemes = {name: {"type": "api_key", "value": value} for name, value in KEYS.items()}
    with services.api(services.basic) as api:
        with Client(api.config(schemes), services.home) as client:
            client.expect("byKeys", {"keys": ["cookie", "header", "query"]})
            (listed,) = client.ask([("tools/list", {})])
            (tool,) = [tool for tool in listed["tools"] if tool["name"] == "byKeys"]
            if tool["inputSchema"].get("properties"):
                raise Failure(f"arguments are {tool['inputSchema']['properties']}")
            client.keep_secrets(listed)
    return "header, query and cookie"


def stores(services, account):
    """Keys that stand in AWS's stores, read with the keys of a role that a profile takes on."""
    references = {
        "headerKey": "${ssm:/pets/header}",
        "queryKey": "${secretsmanager:pets#queryKey}",
        "cookieKey": KEYS["cookieKey"],
    }
    schemes = {name: {"type": "api_key", "value": value} for name, value in references.items()}
    with services.api(services.basic) as api:
        with Client(api.config(schemes), services.home, account.role) as client:
            client.expect("byKeys", {"keys": ["cookie", "header", "query"]})
            client.keep_secrets()
        schemes["queryKey"]["value"] = f"${{secretsmanager:{account.arn}#queryKey}}"
        with Client(api.config(schemes), services.home, account.role) as client:
            client.expect("byKeys", {"keys": ["cookie", "header", "query"]})
    return "SSM and Secrets Manager, by an assumed role"


def stores_refuse(services, account):
    """What is not to be had is told all at once, with its line and its cause, and no secret."""
    path = services.home / "check.yaml"
    lines = [
        "${ssm:/pets/nobody}",
        "${secretsmanager:pets#nothing}",
        "${secretsmanager:pets#cookie}",
        "${ssm:/pets/header#key}",
        "${vault:/pets}",
    ]
    names = "".join(f"\n      x-{number}: '{line}'" for number, line in enumerate(lines))
    path.write_text(f"sources:\n  api:\n    openapi: x.json\n    upstream:\n     headers:{names}\n")
    said = []
    for extra in (account.role, account.ann, account.role | {"AWS_PROFILE": "bob"}):
        command = ["env", *(f"{name}={value}" for name, value in extra.items())]
        command += [harness.binary("wharf"), "check", "--config", path]
        code, _, messages = harness.run(command, timeout_s=CALL_S, home=services.home)
        if code != 1:
            raise Failure(f"ended with {code}\n{messages}")
        said.append(messages)
    for messages, expected in [
        (said[0], "check.yaml:6: `sources.api.upstream.headers.x-0`"),
        (said[0], "`ParameterNotFound`"),
        (said[0], "does not have"),
        (said[0], "is no text"),
        (said[0], "is no JSON"),
        (said[0], "check.yaml:10: `sources.api.upstream.headers.x-4`"),
        (said[1], "SSM refuses GetParameter with status 403"),
        (said[2], "`AWS_PROFILE`"),
    ]:
        if expected not in messages:
            raise Failure(f"`{expected}` is not said:\n{messages}")
    for secret in SECRETS:
        if secret in "".join(said):
            raise Failure(f"`{secret}` was said:\n{said}")
    return f"{len(lines)} mistakes, told at once"


def together(services, account):
    """Of many who set a mark in DynamoDB one is the first, two stores count and take places together, and what has ended counts no more."""
    pairs = [f"{name}={value}" for name, value in account.role.items()]
    outputs = []
    for name, window_ms, wait_s in [("a", 60_000, 0), ("a", 60_000, 0), ("b", 4_000, 0), ("b", 4_000, 4.5)]:
        time.sleep(wait_s)
        command = [harness.binary("examples/together"), "once", name, str(window_ms), *pairs]
        code, output, messages = harness.run(command, timeout_s=60, home=services.home)
        if code != 0:
            raise Failure(f"ended with {code}\n{messages}")
        outputs.append(output.strip())
    first, more = list(range(1, 13)), list(range(13, 25))
    # Five at first, one where one was left, five again when those that nobody left had ended.
    new, old = f"false 1 true {first} [5, 1, 5]", f"true 0 true {more} [5, 1, 5]"
    expected = [new, old, new, new]
    if outputs != expected:
        raise Failure(f"the answers were {outputs}")
    return "one of twelve, then none of twelve"


def document(services):
    """Without its own credentials the document is not to be had; the API's are not sent there."""
    schemes = {"headerKey": {"type": "api_key", "value": KEYS["headerKey"]}}
    with services.api(services.basic) as api:
        config = api.config(schemes)
        del config["sources"]["api"]["document_credentials"]
        path = services.home / "check.yaml"
        path.write_text(json.dumps(config))
        command = [harness.binary("wharf"), "check", "--config", path]
        code, _, messages = harness.run(command, timeout_s=CALL_S, home=services.home)
        if code == 0 or "401" not in messages:
            raise Failure(f"ended with {code}\n{messages}")
        if "refused GET /document: no bearer token" not in api.server.log():
            raise Failure(harness.tail(api.server.log()))
        # A misspelt scheme is a mistake at start, with the name that was meant.
        config = api.config({"headerkey": schemes["headerKey"]})
        path.write_text(json.dumps(config))
        code, _, messages = harness.run(command, timeout_s=CALL_S, home=services.home)
        if code == 0 or "did you mean `headerKey`?" not in messages:
            raise Failure(f"ended with {code}\n{messages}")
    return "refused without, named when misspelt"


@contextlib.contextmanager
def drop_in(services, issuer, variables):
    """`wharf` as the container of awslabs' server was run: with nothing but variables."""
    with services.api(issuer) as api:
        path = services.home / "openapi.json"
        request = urllib.request.Request(f"{api.url}/openapi.json", headers={"authorization": "Bearer for-the-document"})
        with urllib.request.urlopen(request, timeout=CALL_S) as answer:
            path.write_bytes(answer.read())
        named = {"API_SPEC_PATH": str(path), "API_BASE_URL": api.url, "LOG_LEVEL": "DEBUG"}
        with Client(None, services.home, named | variables, arguments=[]) as client:
            yield client
            client.keep_secrets()


def drop_in_client(services, issuer, times, variables):
    told = {"client": CLIENT, "scope": "pets:read"}
    before = issuer.issued()
    with drop_in(services, issuer, variables) as client:
        client.expect("asClient", told, CROWD)
        for _ in range(times - 1):
            time.sleep(SHORT_S + 0.5)
            client.expect("writeAsClient", told, 3)
    issued = issuer.issued() - before
    if not times <= issued <= (1 if times == 1 else 2 * times):
        raise Failure(f"{issued} tokens were issued")
    return f"{issued} tokens" if issued > 1 else "one token"


def oauth_variables(issuer):
    return {
        "AUTH_TYPE": "oauth_client_credentials",
        "AUTH_OAUTH_TOKEN_ENDPOINT": f"{issuer.url}/token",
        "AUTH_OAUTH_CLIENT_ID": CLIENT,
        "AUTH_OAUTH_CLIENT_SECRET": SECRET,
        "AUTH_OAUTH_SCOPES": "pets:read",
    }


def cognito_client_variables(services):
    return {
        "AUTH_TYPE": "cognito",
        "AUTH_COGNITO_DOMAIN": services.domain.url,
        "AUTH_COGNITO_CLIENT_ID": CLIENT,
        "AUTH_COGNITO_CLIENT_SECRET": SECRET,
        "AUTH_COGNITO_SCOPES": "pets:read",
    }


def drop_in_user(services, password):
    variables = {
        "AUTH_TYPE": "cognito",
        "AUTH_COGNITO_CLIENT_ID": services.pool["client_id"],
        "AUTH_COGNITO_CLIENT_SECRET": services.pool["client_secret"],
        "AUTH_COGNITO_USERNAME": USER,
        "AUTH_COGNITO_PASSWORD": password,
        "AUTH_COGNITO_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": services.cognito,
    }
    with drop_in(services, services.basic, variables) as client:
        if password == PASSWORD:
            client.expect("asUser", {"user": USER, "use": "id"}, CROWD)
            return f"{CROWD} calls"
        (result,) = client.call("asUser")
        said = "".join(client.words)
        if not result.get("isError") or "NotAuthorizedException" not in said or password in said:
            raise Failure(f"{result}\n{said}")
        return "NotAuthorizedException"


def main():
    tally = harness.Tally()
    from_environment = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": AWS_SECRET}
    written = {"access_key_id": "AKIDEXAMPLE", "secret_access_key": AWS_SECRET}
    with harness.scratch() as home, contextlib.ExitStack() as stack:
        services = Services(harness.Path(home), stack)
        post = {"client_authentication": "post"}
        account = services.account()
        for name, judge in [
            ("client credentials", lambda: client_credentials(services, services.basic)),
            ("client credentials, in the body", lambda: client_credentials(services, services.post, **post)),
            ("a token that ends", lambda: expiry(services)),
            ("a token that is refused", lambda: revocation(services)),
            ("an issuer that refuses", lambda: refusal(services)),
            ("Cognito, ID token", lambda: cognito(services, "id")),
            ("Cognito, access token", lambda: cognito(services, "access")),
            ("Cognito, wrong password", lambda: cognito_refusal(services)),
            ("signature, keys as written", lambda: signature(services, None, **written)),
            ("signature, keys of the environment", lambda: signature(services, from_environment)),
            ("keys", lambda: keys(services)),
            ("secrets in AWS's stores", lambda: stores(services, account)),
            ("secrets that are not to be had", lambda: stores_refuse(services, account)),
            ("marks and counts of replicas", lambda: together(services, account)),
            ("a document behind credentials", lambda: document(services)),
            (
                "by variables: client credentials",
                lambda: drop_in_client(services, services.basic, 1, oauth_variables(services.basic)),
            ),
            (
                "by variables: a token that ends",
                lambda: drop_in_client(services, services.short, 3, oauth_variables(services.short)),
            ),
            (
                "by variables: Cognito, a client's token",
                lambda: drop_in_client(services, services.domain, 1, cognito_client_variables(services)),
            ),
            ("by variables: Cognito, a user's token", lambda: drop_in_user(services, PASSWORD)),
            ("by variables: Cognito, wrong password", lambda: drop_in_user(services, "wrong-password")),
        ]:
            tally.case(name, judge)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
