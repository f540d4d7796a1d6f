#!/usr/bin/env bash
# Installs a Redis server, where there is neither that nor a Valkey and Debian's packages can be had, for the tests of what
# replicas share. Says nothing; the tests say so where there is none.

command -v valkey-server redis-server >/dev/null && exit 0
command -v apt-get >/dev/null && ((EUID == 0)) || exit 0
export DEBIAN_FRONTEND=noninteractive
install() {
    timeout 4m apt-get install --quiet --yes --no-install-recommends redis-server
}
{ install || { timeout 4m apt-get update --quiet && install; }; } >/dev/null 2>&1 </dev/null || true
