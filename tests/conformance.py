"""Runs the official MCP conformance suite against `conformance-server`, the fixture server of this workspace.

Four runs: what the revisions 2026-07-28 and 2025-11-25 require, with sessions and (2026-07-28) without, and everything in
the suite's last stable release. There is no list of expected failures. Scenarios that the suite runs without scoring them
yet are judged like the others, all but those of extensions: what is not offered cannot conform.

usage: conformance.py
"""

import json
import re
import sys
from pathlib import Path

import harness
from harness import Failure

RUN_S = 300

STABLE = "conformance-0.1"
NEXT = "conformance-0.2"

# name, release of the suite, its arguments, sessions, how many scored scenarios there are: a suite that runs fewer
# than that has judged less than we believe
RUNS = [
    ("2026-07-28, sessions on", NEXT, ["--requirements", "2026-07-28"], "on", 37),
    ("2026-07-28, sessions off", NEXT, ["--requirements", "2026-07-28"], "off", 37),
    ("2025-11-25, sessions on", NEXT, ["--requirements", "2025-11-25"], "on", 30),
    ("0.1.16, everything, sessions on", STABLE, ["--suite", "all"], "on", 32),
]

# Why the suite does not score a scenario, when it is for something that a server need not have.
EXTENSION = "extension"

SUMMARY_LINE = re.compile(r"^[✓✗] (?P<scenario>\S+): (?P<passed>\d+) passed, (?P<failed>\d+) failed$", re.MULTILINE)
UNSCORED_LINE = re.compile(r"^  [✓✗] (?P<scenario>\S+) \((?P<why>[^)]*)\)$", re.MULTILINE)


def judge(suite, arguments, sessions, scored_min):
    """One run of the suite against a server of its own."""
    with harness.scratch() as folder:
        port = harness.free_port()
        command = [harness.binary("conformance-server"), "--http", f"127.0.0.1:{port}", "--sessions", sessions]
        with harness.Server(*command, port=port, home=folder) as server:
            program = harness.NODE_MODULES / suite / "dist" / "index.js"
            url = f"http://127.0.0.1:{port}/mcp"
            results = Path(folder) / "results"
            _, output, messages = harness.run(
                ["node", program, "server", "--url", url, *arguments, "-o", results], timeout_s=RUN_S, home=folder
            )
            return read(output, messages, results, scored_min, server)


def read(output, messages, results, scored_min, server):
    """The suite's summary as a remark, or a `Failure` that names what failed and why.

    The suite's exit code is no help: it counts the scenarios that it does not score.
    """
    counts = {line["scenario"]: (int(line["passed"]), int(line["failed"])) for line in SUMMARY_LINE.finditer(output)}
    unscored = {line["scenario"]: line["why"] for line in UNSCORED_LINE.finditer(output)}
    scored = counts.keys() - unscored.keys()
    if len(scored) < scored_min:
        raise Failure(
            f"the suite ran {len(scored)} scored scenarios of {scored_min}\n"
            f"{harness.tail(output)}\n{harness.tail(messages)}"
        )
    judged = [scenario for scenario in counts if unscored.get(scenario) != EXTENSION]
    failed = [scenario for scenario in judged if counts[scenario][1]]
    if failed:
        reasons = "\n".join(f"{scenario}: {reason}" for scenario in failed for reason in complaints(results, scenario))
        said = harness.tail(server.log())
        raise Failure(f"{len(failed)} of {len(judged)} scenarios fail\n{reasons}\nthe server said:\n{said}")
    checks = sum(counts[scenario][0] for scenario in judged)
    remark = f"{len(judged)} scenarios, {checks} checks"
    if left := len(counts) - len(judged):
        remark += f"; {left} of extensions are not judged"
    return remark


def complaints(results, scenario):
    """What the suite wrote down about a scenario."""
    for file in sorted(results.glob(f"server-{scenario}-2*/checks.json")):
        for check in json.loads(file.read_text()):
            if check["status"] == "FAILURE":
                yield f"{check['id']}: {check.get('errorMessage') or check['description']}"


def main():
    harness.binary("conformance-server")
    tally = harness.Tally()
    for name, suite, arguments, sessions, scored_min in RUNS:
        tally.case(name, lambda: judge(suite, arguments, sessions, scored_min))
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
