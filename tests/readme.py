"""Runs the commands of a Markdown page as they stand there, top to bottom, in a scratch folder.

Every fenced block of the language `sh` is run by a shell of its own that stops at the first command to fail. A comment
right above a block says what is different about it:

    <!-- test: serves URL -->       the block is a server: it runs until the page ends, the next block waits for the URL
    <!-- test: exits N -->          the block ends with this code
    <!-- test: prints TEXT -->      the block's output holds the text
    <!-- test: not run, REASON -->  the block needs what a test has not; the reason is shown

On the path are this workspace's debug `wharf`, and a `cargo` that works in the workspace and takes its debug build for a
release build. Addresses are not changed: a page that says port 8000 needs that port.

usage: readme.py [FILE...]
"""

import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import harness
from harness import Failure

BLOCK_S = 120
SERVER_S = 20

BLOCK = re.compile(
    r"^(?:<!--\s*test:\s*(?P<directive>.*?)\s*-->\s*\n)?^(?P<fence>`{3,})sh\s*\n(?P<commands>.*?)^(?P=fence)\s*$",
    re.MULTILINE | re.DOTALL,
)
DIRECTIVE = re.compile(r"^(?:serves (?P<url>\S+)|exits (?P<code>\d+)|prints (?P<text>.+)|not run, (?P<reason>.+))$")

CARGO = """#!/bin/sh
# The workspace's cargo; a release build would take minutes and show nothing new.
cd '{root}' || exit 1
for argument do
    shift
    [ "$argument" = --release ] || set -- "$@" "$argument"
done
exec '{cargo}' "$@"
"""


@dataclass
class Block:
    """One fenced block: where it stands, what it says, and what is different about it."""

    place: str
    commands: str
    url: str | None = None
    code: int = 0
    text: str = ""
    reason: str | None = None


def blocks(page):
    """The blocks of a page, in their order."""
    content = page.read_text()
    for match in BLOCK.finditer(content):
        line = content.count("\n", 0, match.start("commands")) + 1
        block = Block(f"{page.name}:{line}", match["commands"])
        if match["directive"]:
            told = DIRECTIVE.match(match["directive"])
            if told is None:
                sys.exit(f"error: {block.place}: cannot understand `test: {match['directive']}`\nhint: see readme.py")
            block.url, block.text, block.reason = told["url"], told["text"] or "", told["reason"]
            block.code = int(told["code"] or 0)
        yield block


class Page:
    """A folder to run a page in, and the servers that it started."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.servers = []
        programs = self.folder / "programs"
        programs.mkdir()
        (programs / "wharf").symlink_to(harness.binary("wharf"))
        cargo = subprocess.run(["sh", "-c", "command -v cargo"], capture_output=True, text=True).stdout.strip()
        (programs / "cargo").write_text(CARGO.format(root=harness.ROOT, cargo=cargo))
        (programs / "cargo").chmod(0o755)
        self.work = self.folder / "work"
        self.work.mkdir()
        inherited = harness.environment(self.folder)["PATH"]
        # Builds must find the toolchain although the home is another.
        self.extra = harness.toolchain() | {"PATH": f"{programs}:{inherited}"}

    def judge(self, block):
        if block.reason:
            return f"not run: {block.reason}"
        if block.url:
            return self.serve(block)
        code, output, messages = harness.run(
            ["sh", "-euc", block.commands], timeout_s=BLOCK_S, home=self.folder, cwd=self.work, extra=self.extra
        )
        said = f"{harness.tail(output)}\n{harness.tail(messages)}"
        if code != block.code:
            raise Failure(f"ended with {code} instead of {block.code}\n{block.commands}{said}")
        if block.text not in output:
            raise Failure(f"does not print `{block.text}`\n{block.commands}{said}")
        return None

    def serve(self, block):
        host, port = re.match(r"https?://([^:/]+):(\d+)", block.url).groups()
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                raise Failure(f"another program listens on {host}:{port}\nhint: end it, and try again")
        log = self.folder / f"server-{len(self.servers)}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                ["sh", "-euc", block.commands],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.work,
                env=harness.environment(self.folder) | self.extra,
                start_new_session=True,
            )
        self.servers.append(process)
        deadline = time.monotonic() + SERVER_S
        while time.monotonic() < deadline and process.poll() is None:
            if answers(block.url):
                return f"answers at {block.url}"
            time.sleep(0.05)
        raise Failure(f"no answer at {block.url}\n{block.commands}{harness.tail(log.read_text())}")

    def close(self):
        for process in self.servers:
            harness.end(process)


def answers(url):
    """Whether an HTTP server is there; what it thinks of the request does not matter."""
    try:
        urllib.request.urlopen(url, timeout=1).close()
    except urllib.error.HTTPError:
        pass
    except OSError:
        return False
    return True


def main(pages):
    tally = harness.Tally()
    for path in pages:
        with harness.scratch() as folder:
            page = Page(folder)
            try:
                for block in blocks(path):
                    tally.case(f"{block.place} {block.commands.splitlines()[0]:.28}", lambda: page.judge(block))
            finally:
                page.close()
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]] or [harness.ROOT / "README.md"]))
