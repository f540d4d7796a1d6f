"""What the outside judges share: free ports, servers that end with their test, bounded commands, and the tally.

Standard library only, so that it runs before anything is installed.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
NODE_MODULES = TOOLS / "npm" / "node_modules"
PYTHON = TOOLS / "python" / "bin" / "python"
BINARIES = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"

START_S = 20
STOP_S = 5
OUTPUT_LINES_MAX = 60
OUTPUT_COLUMNS_MAX = 300


def free_port():
    """A port that was free a moment ago. The server that takes it may lose a race; `Server` then says so."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def environment(home):
    """The environment for a program under test: its own home, no proxy, no colours, nothing that asks a person."""
    kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
    return kept | {
        # Node.js is in .tools/ where the machine's own is too old.
        "PATH": f"{TOOLS / 'node' / 'node_modules' / '.bin'}:{os.environ['PATH']}",
        "HOME": str(home),
        "MCP_INSPECTOR_SECRET_STORE": "memory",
        "MCP_REMOTE_CONFIG_DIR": str(home),
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
    }


def toolchain():
    """What cargo and rustup need from the environment when the home is not the user's own."""
    own = Path.home()
    return {
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(own / ".cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(own / ".rustup")),
        "CARGO_TARGET_DIR": str(BINARIES.parent),
    }


class Server:
    """A server in the background, as a context manager: it is up inside the block and gone behind it."""

    def __init__(self, *command, port, home, cwd=None, extra=None):
        self.command = [str(part) for part in command]
        self.port = port
        self.cwd = cwd
        self.environment = environment(home) | (extra or {})
        # Into a file, so that what it says before it answers is there when the answer is, and it never stalls on a pipe.
        self.output = tempfile.TemporaryFile()

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            cwd=self.cwd,
            env=self.environment,
            start_new_session=True,
        )
        try:
            self._wait_until_up()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_):
        self._stop()

    def log(self):
        """All that it has said so far."""
        length = os.fstat(self.output.fileno()).st_size
        return os.pread(self.output.fileno(), length, 0).decode(errors="replace")

    def said(self, pattern):
        """The match of a pattern in what the server says; waits for it."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if match := re.search(pattern, self.log()):
                return match
            time.sleep(0.02)
        raise Failure(f"`{' '.join(self.command)}` does not say `{pattern}`\n{tail(self.log())}")

    def _wait_until_up(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failure(f"`{' '.join(self.command)}` ended with {self.process.returncode}\n{tail(self.log())}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Failure(f"`{' '.join(self.command)}` does not listen on port {self.port} after {START_S} s\n{tail(self.log())}")

    def _stop(self):
        end(self.process)


class Demo:
    """A running `wharf demo`: where its MCP server is, where its pet store, and the store's document."""

    def __init__(self, server):
        self.url = f"http://127.0.0.1:{server.port}"
        told = server.said(r"a pet store at (http://\S+), described by (\S+)")
        self.store, self.document = told[1], Path(told[2])


@contextlib.contextmanager
def demo():
    with scratch() as home:
        port = free_port()
        with Server(binary("wharf"), "demo", "--http", f"127.0.0.1:{port}", port=port, home=home) as server:
            yield Demo(server)


def end(process):
    """Ends a process that was started with a session of its own, and whatever it started in that session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            pass


def run(command, *, timeout_s, home, cwd=None, extra=None):
    """Runs a command to its end. Returns its exit code, its output and its messages; a late one is ended."""
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        cwd=cwd,
        env=environment(home) | (extra or {}),
        start_new_session=True,
    )
    try:
        output, messages = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        end(process)
        output, messages = process.communicate()
        raise Failure(f"not finished after {timeout_s} s\n{tail(output)}\n{tail(messages)}") from None
    return process.returncode, output, messages


def tail(text):
    """The end of a program's output; long lines are cut, for some programs print their own source."""
    lines = text.strip().splitlines()[-OUTPUT_LINES_MAX:]
    return "\n".join(line[:OUTPUT_COLUMNS_MAX] for line in lines)


class Failure(Exception):
    """Something did not hold; the text says what."""


class Tally:
    """Prints a line for each case and counts them."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def case(self, name, judge):
        """Runs `judge`, which raises `Failure` or returns a remark."""
        started = time.monotonic()
        try:
            remark = judge()
        except Failure as failure:
            self.failed += 1
            self._line("FAIL", name, started, "")
            print("\n".join(f"       {line}" for line in str(failure).splitlines()), flush=True)
        else:
            self.passed += 1
            self._line("ok", name, started, remark or "")

    def finish(self):
        """The exit code. A run in which nothing was judged has not passed."""
        print(f"{self.passed} of {self.passed + self.failed} cases hold")
        return 0 if self.passed and not self.failed else 1

    def _line(self, verdict, name, started, remark):
        seconds = time.monotonic() - started
        print(f"{verdict:>5}  {seconds:5.1f} s  {name:<36} {remark}".rstrip(), flush=True)


def scratch():
    """A folder that is gone after the run."""
    return tempfile.TemporaryDirectory(prefix="wharf-test-")


def binary(name):
    """The path of a debug binary of this workspace."""
    path = BINARIES / name
    if not path.exists():
        sys.exit(f"error: `{path}` does not exist\nhint: run `cargo build --workspace --bins`")
    return path


def parse_json_line(text):
    """The JSON on the last line of a program's output."""
    lines = text.strip().splitlines()
    try:
        return json.loads(lines[-1])
    except (IndexError, ValueError):
        raise Failure(f"no JSON on the last line of the output:\n{tail(text)}") from None
