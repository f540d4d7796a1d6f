"""Holds the dependency tree to the walls, the licences and the one-version rule of `deny.toml`.

That is the part of `cargo deny check` that needs nothing but cargo, for machines that do not have cargo-deny. It reads the
entries that our `deny.toml` uses and no others: one that it does not know is an error.

usage: walls.py
"""

import collections
import json
import re
import subprocess
import sys
import tomllib

import harness
from harness import Failure

LICENCE = re.compile(r"[A-Za-z0-9.-]+(?: WITH [A-Za-z0-9.-]+)?")


class Tree:
    """Every package that a build on any platform may use, with who depends on it directly. What only tests use is left out."""

    def __init__(self):
        told = subprocess.run(
            ["cargo", "metadata", "--format-version", "1", "--all-features"],
            cwd=harness.ROOT,
            stdout=subprocess.PIPE,
            check=True,
        )
        metadata = json.loads(told.stdout)
        packages = {package["id"]: package for package in metadata["packages"]}
        nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
        self.packages = []
        self.users = collections.defaultdict(set)
        seen = set(metadata["workspace_members"])
        waiting = list(seen)
        while waiting:
            user = waiting.pop()
            self.packages.append(packages[user])
            for dependency in nodes[user]["deps"]:
                if all(kind["kind"] == "dev" for kind in dependency["dep_kinds"]):
                    continue
                if not wanted(packages[user], nodes[user]["features"], dependency, packages[dependency["pkg"]]["name"]):
                    continue
                self.users[packages[dependency["pkg"]]["name"]].add(packages[user]["name"])
                if dependency["pkg"] not in seen:
                    seen.add(dependency["pkg"])
                    waiting.append(dependency["pkg"])

    def names(self):
        return {package["name"] for package in self.packages}


def wanted(package, features, dependency, name):
    """Whether a package uses this dependency. Cargo also lists those that a feature would change if they were there: `a?/b`."""
    declared = [
        entry
        for entry in package["dependencies"]
        if entry["kind"] != "dev"
        and ((entry["rename"] or "").replace("-", "_") == dependency["name"] or (not entry["rename"] and entry["name"] == name))
    ]
    if not all(entry["optional"] for entry in declared):
        return True
    switches = {switch for feature in features for switch in package["features"].get(feature, ())}
    keys = [entry["rename"] or entry["name"] for entry in declared]
    return any(
        key in features or f"dep:{key}" in switches or any(switch.startswith(f"{key}/") for switch in switches)
        for key in keys
    )


def judge_walls(tree, rules):
    broken = []
    for rule in rules:
        if unknown := rule.keys() - {"crate", "wrappers", "reason"}:
            raise Failure(f"`{rule['crate']}`: cannot understand {', '.join(unknown)}")
        name, wrappers = rule["crate"], set(rule.get("wrappers", ()))
        if not wrappers and name in tree.names():
            broken.append(f"`{name}` is in the tree: {rule['reason']}")
        elif wrappers:
            broken += [f"`{user}` depends on `{name}`: {rule['reason']}" for user in tree.users[name] - wrappers]
    if broken:
        raise Failure("\n".join(sorted(broken)))
    return f"{len(rules)} walls"


def permitted(expression, allow):
    """Whether one side of each `OR` is allowed in full. `/` is how old packages wrote `OR`."""
    # With every licence replaced by its verdict, the expression is one of Python's.
    verdicts = LICENCE.sub(
        lambda match: match[0].lower() if match[0] in ("AND", "OR") else str(match[0] in allow),
        expression.replace("/", " OR "),
    )
    if not re.fullmatch(r"(?:True|False|and|or|[() ])+", verdicts):
        return False
    return eval(verdicts)  # nothing but `True`, `False`, `and`, `or` and parentheses


def judge_licences(tree, allow):
    refused = [
        f"`{package['name']}` {package['version']}: {package['license']}"
        for package in tree.packages
        if not permitted(package["license"] or "none", allow)
    ]
    if refused:
        raise Failure("\n".join(sorted(refused)))
    return f"{len(tree.packages)} packages"


def judge_versions(tree, skips):
    versions = collections.defaultdict(set)
    for package in tree.packages:
        versions[package["name"]].add(package["version"])
    stale = []
    for skip in skips:
        name, wanted = skip["crate"].split("@")
        matching = {version for version in versions[name] if version == wanted or version.startswith(f"{wanted}.")}
        if not matching:
            stale.append(f"`{skip['crate']}` is skipped, but not in the tree")
        versions[name] -= matching
    twice = [f"`{name}`: {', '.join(sorted(many))}" for name, many in versions.items() if len(many) > 1]
    if stale or twice:
        raise Failure("\n".join(stale + sorted(twice)))
    return f"{len(skips)} known to come twice"


def main():
    rules = tomllib.loads((harness.ROOT / "deny.toml").read_text())
    tree = Tree()
    tally = harness.Tally()
    tally.case("walls", lambda: judge_walls(tree, rules["bans"]["deny"]))
    tally.case("licences", lambda: judge_licences(tree, set(rules["licenses"]["allow"])))
    tally.case("one version of each", lambda: judge_versions(tree, rules["bans"]["skip"]))
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
