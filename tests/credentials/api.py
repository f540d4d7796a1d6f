"""An API on loopback whose operations each want other credentials, and that takes only good ones.

usage: api.py PORT ISSUER_URL COGNITO_URL

It asks whoever issued a token whether it is good, and checks signatures by botocore. Who was recognised is its answer.
"""

import base64
import hashlib
import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

PORT, ISSUER, COGNITO = int(sys.argv[1]), sys.argv[2], sys.argv[3]
TIMEOUT_S = 5

DOCUMENT_TOKEN = "for-the-document"
KEYS = {"header": "header-key", "query": "query-key", "cookie": "cookie-key"}
ACCESS_KEY, SECRET_KEY, REGION, SERVICE = "AKIDEXAMPLE", "an-aws-secret", "eu-west-1", "execute-api"

OK = {"200": {"description": "who was recognised", "content": {"application/json": {"schema": {"type": "object"}}}}}


def operation(name, *alternatives, **more):
    security = [{scheme: [] for scheme in alternative} for alternative in alternatives]
    return {"operationId": name, "security": security, "responses": OK} | more


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Credentials", "version": "1"},
    "servers": [{"url": "/"}],
    "components": {
        "securitySchemes": {
            "client": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://nowhere.invalid/", "scopes": {}}}},
            "user": {"type": "http", "scheme": "bearer"},
            "signature": {"type": "apiKey", "in": "header", "name": "Authorization"},
            "headerKey": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "queryKey": {"type": "apiKey", "in": "query", "name": "key"},
            "cookieKey": {"type": "apiKey", "in": "cookie", "name": "key"},
        }
    },
    "paths": {
        "/client": {"get": operation("asClient", ["client"]), "post": operation("writeAsClient", ["client"])},
        "/user": {"get": operation("asUser", ["user"])},
        "/signed/{name}": {
            "put": operation(
                "signed",
                ["signature"],
                parameters=[
                    {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "q", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                ],
                requestBody={"content": {"application/json": {"schema": {"type": "object"}}}},
            )
        },
        "/keys": {
            "get": operation(
                "byKeys",
                ["client", "headerKey"],
                ["headerKey", "queryKey", "cookieKey"],
                parameters=[{"name": "X-Key", "in": "header", "schema": {"type": "string"}}],
            )
        },
        "/open": {"get": operation("open")},
    },
}


class Refused(Exception):
    """The request's credentials are not good; the text says why, for the test's log."""


def ask(url, data, headers):
    request = urllib.request.Request(url, data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Refused(f"{url} answered with {error.code}") from None


def bearer(request):
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind != "Bearer" or not token:
        raise Refused("no bearer token")
    return token


def as_client(request):
    """RFC 7662: only the issuer knows whether a token is good."""
    own = base64.b64encode(b"api:api-secret").decode()
    form = urllib.parse.urlencode({"token": bearer(request)}).encode()
    headers = {"authorization": f"Basic {own}", "content-type": "application/x-www-form-urlencoded"}
    told = ask(f"{ISSUER}/token/introspection", form, headers)
    if not told.get("active"):
        raise Refused("the token is not active")
    return {"client": told["client_id"], "scope": told.get("scope")}


def as_user(request):
    token = bearer(request)
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    if claims["token_use"] == "access":
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "x-amz-target": "AWSCognitoIdentityProviderService.GetUser",
        }
        user = ask(COGNITO, json.dumps({"AccessToken": token}).encode(), headers)["Username"]
    else:
        user = claims["cognito:username"]
    return {"user": user, "use": claims["token_use"]}


def signed(request):
    words = request.headers.get("authorization", "").replace(",", " ").split()
    parts = dict(word.split("=", 1) for word in words if "=" in word)
    names = parts.get("SignedHeaders", "").split(";")
    if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names):
        raise Refused(f"signed are only {names}")
    if request.headers["x-amz-content-sha256"] != hashlib.sha256(request.body).hexdigest():
        raise Refused("the hash is not the body's")
    headers = {name: request.headers[name] for name in names}
    url = f"http://{request.headers['host']}{request.path}"
    again = AWSRequest(method=request.command, url=url, data=request.body, headers=headers)
    again.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), SERVICE, REGION)
    text = signer.string_to_sign(again, signer.canonical_request(again))
    if signer.signature(text, again) != parts["Signature"]:
        raise Refused(f"the signature is another\n{signer.canonical_request(again)}")
    return {"key": parts["Credential"].split("/")[0], "body": json.loads(request.body or b"null")}


def by_keys(request):
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query)
    given = {
        "header": request.headers.get("x-key"),
        "query": "".join(query.get("key", [])),
        "cookie": request.headers.get("cookie", "").removeprefix("key="),
    }
    if given != KEYS:
        raise Refused("the keys are others")
    return {"keys": sorted(given)}


def in_the_open(request):
    told = [name for name in ("authorization", "x-key", "cookie") if name in request.headers]
    return {"credentials": told}


def document(request):
    if bearer(request) != DOCUMENT_TOKEN:
        raise Refused("not for the document")
    return DOCUMENT


ROUTES = {
    "openapi.json": document,
    "client": as_client,
    "user": as_user,
    "signed": signed,
    "keys": by_keys,
    "open": in_the_open,
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        route = ROUTES[urllib.parse.urlsplit(self.path).path.split("/")[1]]
        try:
            status, told = 200, route(self)
        except Refused as refusal:
            status, told = 401, {"error": "these credentials are not good"}
            print(f"refused {self.command} /{route.__name__}: {refusal}", flush=True)
        else:
            print(f"served /{route.__name__}", flush=True)
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
