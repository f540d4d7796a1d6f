"""Runs the README's commands as they stand there, from top to bottom.

Commands are the lines of its `console` blocks, and `wharf …` in back quotes anywhere else. Its `yaml` block becomes the
`wharf.yaml` that later commands find. What a reader would replace by their own is replaced here: the API's address by a
pet store's, the files by its document, port 8000 by a free one. A command that serves runs until the next one does, so
that what the page says about a running server is true of one.

usage: readme.py
"""

import re
import shlex
import shutil
import sys
import urllib.request
from pathlib import Path

import harness
from harness import Failure

COMMAND_S = 60
# `cargo build` of one package selects other features than `cargo build --workspace`, so it may compile much again.
BUILD_S = 900
PAGE = harness.ROOT / "README.md"

NOT_RUN = {"./test": "is what runs this"}

PART = re.compile(r"^```(?P<language>\w+)\n(?P<block>.*?)^```$|`(?P<inline>wharf [^`\n]+)`", re.MULTILINE | re.DOTALL)
MADE_UP_HOST = re.compile(r"https://[a-z.]*example\.com(/v1)?")
DOCUMENTS = ("openapi.yaml", "petstore.yaml")

# The workspace's cargo. A release build would take minutes and show nothing new.
CARGO = """#!/bin/sh
cd {root} || exit 1
for argument do
    shift
    [ "$argument" = --release ] || set -- "$@" "$argument"
done
exec {cargo} "$@"
"""


class Page:
    """A folder to run the page in, and the server that it has running."""

    def __init__(self, folder, store, document):
        self.folder = Path(folder)
        self.store = store
        self.port = harness.free_port()
        self.server = None
        for name in DOCUMENTS:
            shutil.copy(document, self.folder / name)
        programs = self.folder / "programs"
        programs.mkdir()
        (programs / "wharf").symlink_to(harness.binary("wharf"))
        cargo = programs / "cargo"
        cargo.write_text(CARGO.format(root=shlex.quote(str(harness.ROOT)), cargo=shlex.quote(shutil.which("cargo"))))
        cargo.chmod(0o755)
        path = f"{programs}:{harness.environment(folder)['PATH']}"
        self.extra = harness.toolchain() | {"PATH": path, "PETSTORE_KEY": "a-key"}

    def parts(self, text):
        """The page's commands; its configuration is written when its turn comes."""
        for part in PART.finditer(text):
            if part["inline"]:
                yield part["inline"]
            elif part["language"] == "console":
                yield from (line for line in part["block"].splitlines() if line.strip())
            elif part["language"] == "yaml":
                (self.folder / "wharf.yaml").write_text(self.replace(part["block"]))

    def replace(self, text):
        return MADE_UP_HOST.sub(self.store, text).replace("127.0.0.1:8000", f"127.0.0.1:{self.port}")

    def judge(self, line):
        if line in NOT_RUN:
            return NOT_RUN[line]
        words = shlex.split(self.replace(line))
        starts_server = ("demo" in words or "serve" in words) and "--stdio" not in words
        return self.serve(words) if starts_server else self.run(words)

    def run(self, words):
        timeout_s = BUILD_S if words[0] == "cargo" else COMMAND_S
        code, output, messages = harness.run(
            words, timeout_s=timeout_s, home=self.folder, cwd=self.folder, extra=self.extra
        )
        if code != 0:
            raise Failure(f"ended with {code}\n{harness.tail(output)}\n{harness.tail(messages)}")
        return None

    def serve(self, words):
        self.close()
        if words[0] == "cargo":
            # A build may take its time; a server may not.
            self.run(["cargo", "build"])
        if "demo" in words or any(name in words for name in DOCUMENTS):
            words = [*words, "--http", f"127.0.0.1:{self.port}"]
        server = harness.Server(*words, port=self.port, home=self.folder, cwd=self.folder, extra=self.extra)
        self.server = server.__enter__()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=harness.START_S) as answer:
            return f"is healthy: {answer.status}"

    def close(self):
        if self.server:
            self.server.__exit__()
            self.server = None


def main():
    tally = harness.Tally()
    with harness.demo() as demo, harness.scratch() as folder:
        page = Page(folder, demo.store, demo.document)
        try:
            for line in page.parts(PAGE.read_text()):
                tally.case(line, lambda: page.judge(line))
        finally:
            page.close()
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
