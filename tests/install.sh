#!/usr/bin/env bash
# Installs the outside judges into .tools/, with the package managers of their languages. Says nothing when all is well;
# otherwise exits with 1, having said on stderr what is missing. Does nothing when what the lists here name is installed.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

NODE_MAJOR_MIN=22
NODE_VERSION=24.21.0
INSTALL_MINUTES_MAX=8

stop() {
    echo "$1" >&2
    exit 1
}

# install WHAT COMMAND...: quiet, and bounded in time, for a machine that is offline may just wait.
install() {
    local what=$1 output
    shift
    output=$(timeout ${INSTALL_MINUTES_MAX}m "$@" 2>&1 </dev/null) \
        || stop "cannot install $what: $({ grep -i error <<<"$output" || echo "$output"; } | head -n 3)"
}

for program in python3 node npm; do
    command -v "$program" >/dev/null || stop "\`$program\` is not installed"
done

tests/install-store.sh

# Programs in tests/ find their packages beside them.
ln -sfn ../.tools/npm/node_modules tests/node_modules

# Everything that decides what gets installed.
lists=(tests/package.json tests/package-lock.json tests/.npmrc tests/requirements.txt tests/install.sh)
stamp=$({ sha256sum "${lists[@]}"; python3 --version; node --version; } | sha256sum | cut -d ' ' -f 1)
[[ -f .tools/stamp && $(<.tools/stamp) == "$stamp" ]] && exit 0

mkdir -p .tools/npm .tools/node
rm -f .tools/stamp
cp tests/.npmrc .tools/npm/
cp tests/.npmrc .tools/node/

node_major=$(node --version)
node_major=${node_major#v}
if ((${node_major%%.*} < NODE_MAJOR_MIN)); then
    install "Node.js $NODE_VERSION" npm install --prefix .tools/node --no-save "node@$NODE_VERSION"
fi

cp tests/package.json tests/package-lock.json .tools/npm/
# No package's own scripts: none of these needs them, and they would run with our rights.
install 'the npm packages' npm ci --prefix .tools/npm --ignore-scripts
rm -rf .tools/python
install 'a Python environment' python3 -m venv .tools/python
install 'the Python packages' .tools/python/bin/pip install --quiet --disable-pip-version-check \
    --requirement tests/requirements.txt

echo "$stamp" >.tools/stamp
