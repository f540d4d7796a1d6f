"""A browser without a screen: follows redirects, keeps cookies by origin, and allows what a consent page asks.

usage: browser.py ADDRESS      goes there, allows, and follows to the end; for clients that open a browser themselves
"""

import html
import http.client
import re
import sys
import urllib.parse

STEPS_MAX = 30
TIMEOUT_S = 20


class Page:
    def __init__(self, address, status, headers, body):
        self.address = address
        self.status = status
        self.headers = headers
        self.body = body

    def location(self):
        target = self.headers.get("location")
        return target and urllib.parse.urljoin(self.address, target)

    def attempt(self):
        """The id of the sign-in that a page shows."""
        found = re.search(r"<code>([0-9a-f]{16})</code>|Sign-in ([0-9a-f]{16})", self.body)
        return found and (found[1] or found[2])

    def question(self):
        """The sealed question of a consent page."""
        found = re.search(r'name=question value="([^"]+)"', self.body)
        return found and html.unescape(found[1])


class Browser:
    def __init__(self):
        self.jar = {}

    def ask(self, method, address, form=None, headers=None):
        """One request, without following where it leads."""
        url = urllib.parse.urlsplit(address)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=TIMEOUT_S)
        cookies = self.jar.setdefault(url.netloc, {})
        headers = dict(headers or {})
        if cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers["content-type"] = "application/x-www-form-urlencoded"
            headers.setdefault("origin", f"{url.scheme}://{url.netloc}")
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        for line in answer.headers.get_all("set-cookie") or []:
            name, _, rest = line.partition("=")
            value, _, attributes = rest.partition(";")
            if not value or "max-age=0" in attributes.lower() or "1970" in attributes:
                cookies.pop(name, None)
            else:
                cookies[name] = value
        return Page(address, answer.status, answer.headers, text)

    def allow(self, page, answer="allow"):
        """Answers the question of a consent page."""
        target = html.unescape(re.search(r'action="([^"]+)"', page.body)[1])
        return self.ask("POST", target, {"question": page.question(), "answer": answer})

    def go(self, address, until=None, pause=None):
        """Follows redirects and allows what is asked, until a page stands or an address begins with `until`.

        `pause` is called before each step, with the address it leads to."""
        page = None
        for _ in range(STEPS_MAX):
            if until and address.startswith(until):
                return Page(address, 0, {}, "")
            if pause:
                pause(address)
            page = self.ask("GET", address)
            if page.question():
                if pause:
                    pause("consent")
                page = self.allow(page)
            address = page.location()
            if not address:
                return page
        raise RuntimeError(f"more than {STEPS_MAX} redirects, the last to {address}")


if __name__ == "__main__":
    last = Browser().go(sys.argv[1])
    print(last.status, last.address.split("?")[0], file=sys.stderr)
