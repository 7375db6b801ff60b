#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What `make demo` shows: a lab of 12 agents with tasks on them, a rollout that all of them survive, one that an agent
# does not, and the reports. Everything lives in a temporary folder and on loopback; only the reports stay, in
# ./rollcall-demo. It checks every outcome itself and fails loudly when one is not as it should be.
set -eu
cd "$(dirname "$0")/.."

bin=$PWD/build/gcc/bin
reports=$PWD/rollcall-demo
work=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-demo.XXXXXX")
PATH=$bin:$PATH
# The lab's clocks run four times as fast, so that nobody has to wait for those of Mesos.
speed=4

finish() {
    status=$?
    trap - EXIT INT TERM
    rollcall-lab down --dir "$work/lab" >"$work/down.log" 2>&1 || cat "$work/down.log"
    rm -rf "$work"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bold= plain=
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

title() { printf '\n%s==== %s%s\n\n' "$bold" "$*" "$plain"; }
say() { printf '%s\n' "$@"; }

# Shows a command as a user would type it.
show() {
    printf '%s$' "$bold"
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./,%@:=-]*) printf ' "%s"' "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '%s\n' "$plain"
}

run() {
    show "$@"
    "$@"
}

wrong() {
    printf '\nThe demo failed: %s\n' "$*" >&2
    exit 1
}

# expect CODE COMMAND…: the command must end with that exit code.
expect() {
    wanted=$1
    shift
    code=0
    run "$@" || code=$?
    [ "$code" = "$wanted" ] || wrong "'$*' ended with exit code $code, not $wanted"
}

# field EXPRESSION: of the latest run's status document, as Python sees it.
field() {
    rollcall rollout status latest --json | python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"
}

# The hash of a plan's bytes, as long as `rollout plan` prints it.
plan_of() {
    sha256sum "$1" | cut -c 1-12
}

# ----

title "A cluster in a box: 12 Mesos agents in 3 zones, behind real SSH, with tasks running"
cd "$work"
run rollcall-lab up --dir lab --agents 12 --zones 3 --time-scale $speed
export ROLLCALL_CONFIG="$work/lab/rollcall.json"
say "" "(ROLLCALL_CONFIG names the lab's cluster file from here on.)" ""
run rollcall inventory sync
run rollcall inventory list

title "A config: it owns only what it names"
cat >fleet.json <<'CONFIG'
{"name": "fleet", "rules": [
  {"attributes": {"generation": "g2", "ssd": "true", "tier": null}},
  {"match": "rack = 'rack-1' or hostname = 'node004.lab'", "resources": {"mem": 1024}}]}
CONFIG
cat fleet.json
say "" "For every agent: generation changes, ssd is new, tier goes away. Four agents get less memory than their tasks use."
run rollcall config add fleet.json

title "The plan: what would change, and what an unmodified agent would say to it"
run rollcall rollout plan fleet --window 3 --out plan.json
plan=$(plan_of plan.json)

title "The rollout: three agents away at a time"
expect 0 rollcall rollout start "$plan"
[ "$(field "d['counts']['done']")" = 12 ] || wrong "not all of the 12 agents are done"
[ "$(field "sum(a['id_before'] == a['id_after'] for a in d['agents'])")" = 12 ] || wrong "an agent has a new ID"
[ "$(field "sum(len(a['proof']['tasks']['survived']) for a in d['agents'])")" = 24 ] || wrong "a task was lost"
mkdir -p "$reports"
rollcall audit report latest >"$reports/first.txt"
rollcall audit report latest --format json >"$reports/first.json"
say "" "The report: $reports/first.txt"

title "Bad luck: on node005.lab the agent will not start with new flags"
run rollcall-lab break --dir lab node005.lab agent-exit
cat >fleet.json <<'CONFIG'
{"name": "fleet", "rules": [{"attributes": {"generation": "g3"}}]}
CONFIG
cat fleet.json
run rollcall config add fleet.json
run rollcall rollout plan fleet --where "rack = 'rack-2'" --window 3 --max-failures 1 --out plan.json
plan=$(plan_of plan.json)
expect 1 rollcall rollout start "$plan"
[ "$(field "[a['hostname'] for a in d['agents'] if a['state'] == 'reverted']")" = "['node005.lab']" ] ||
    wrong "node005.lab was not put back"
[ "$(field "[a['proof']['result'] for a in d['agents'] if a['state'] == 'reverted']")" = "['pass']" ] ||
    wrong "node005.lab was not proven to be as it was"
[ "$(field "d['counts']['done']")" = 2 ] || wrong "the two others are not done"
rollcall audit report latest >"$reports/second.txt"
rollcall audit report latest --format json >"$reports/second.json"
grep -q "What went wrong on node005.lab" "$reports/second.txt" || wrong "the second report does not say what went wrong"

grep -q "these are not the flags it would start with" "$reports/second.txt" ||
    wrong "the second report does not hold the agent's own words"

title "What the second report says of it"
sed -n '/^What went wrong/,/^$/p' "$reports/second.txt"

title "Done"
say "12 of 12 came through the first rollout: same IDs, SlaveInfo as planned, all 24 tasks still running." \
    "In the second, node005.lab could not start with its new flags: agentctl put it back by itself, rollcall proved that" \
    "it is as it was, and ended with exit code 1." \
    "" \
    "The reports are in $reports: first.txt, second.txt, and both as JSON."
