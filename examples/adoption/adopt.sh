#!/usr/bin/env bash
# A newcomer's path on a real project: install, baseline, pre-commit, CI, first repair.
#
#     examples/adoption/adopt.sh FOLDER
#
# The project is lpips, a perceptual loss, as released: it is fetched into FOLDER, and none of it is kept here. Needs
# git, Python and a package index. Each step says what it expects and ends the script if that is not so.
set -euo pipefail

folder="${1:?a folder to work in}"
here="$(cd "$(dirname "$0")/../.." && pwd)"
install="${NANLINT_INSTALL:-$here}"                              # what pip installs; for you: nanlint
hooks="${NANLINT_HOOKS:-https://github.com/nanlint/nanlint}"     # where pre-commit finds the hooks
revision="${NANLINT_REVISION:-v0.1.0}"

step() { printf '\n== %s\n' "$*"; }
expect() { # expect CODE COMMAND…: run it, and see that it exits with this code
  local wanted="$1" code=0
  shift
  printf '$ %s\n' "$*"
  "$@" || code=$?
  [ "$code" = "$wanted" ] || { echo "expected exit code $wanted, got $code" >&2; exit 3; }
}

step "the project"
mkdir -p "$folder" && cd "$folder"
python3 -m venv .venv
.venv/bin/python -m pip install --quiet setuptools wheel
.venv/bin/python -m pip download --quiet --no-deps --no-build-isolation --no-binary lpips lpips==0.1.4
tar --no-same-owner -xzf lpips-0.1.4.tar.gz && cd lpips-0.1.4
git init --quiet
git config user.name newcomer && git config user.email newcomer@example.com
git add --all && git commit --quiet --message "as released"

step "install"
../.venv/bin/python -m pip install --quiet "$install" pre-commit
PATH="$folder/.venv/bin:$PATH"
expect 0 nanlint --version

step "a first look"
expect 1 nanlint check
expect 0 nanlint check --statistics --exit-zero

step "a baseline: what is there is known, and only what is new is reported"
expect 0 nanlint check --write-baseline
echo 'baseline = "nanlint-baseline.json"' > nanlint.toml
expect 0 nanlint check

step "pre-commit"
cat > .pre-commit-config.yaml <<YAML
repos:
  - repo: $hooks
    rev: $revision
    hooks:
      - id: nanlint
YAML
echo .nanlint_cache/ >> .git/info/exclude
pre-commit install
git add --all
expect 0 git commit --quiet --message "nanlint, with a baseline"

step "a mistake does not get in"
cat > lpips/extra.py <<'PYTHON'
import torch


def entropy(logits):
    p = torch.softmax(logits, -1)
    return -(p * torch.log(p)).sum(-1)
PYTHON
git add --all
expect 1 git commit --quiet --message "entropy"
git rm --quiet --force lpips/extra.py

step "CI"
mkdir -p .github/workflows
cat > .github/workflows/nanlint.yml <<'YAML'
on: [push, pull_request]
jobs:
  nanlint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: nanlint/nanlint@main
YAML
git add --all
git commit --quiet --message "nanlint in CI"
expect 0 nanlint check --output-format github   # what the action runs

step "the first repair"
expect 1 nanlint check --config 'baseline = ""' --diff
expect 0 nanlint check --config 'baseline = ""' --select NAN122 --fix
expect 0 nanlint check                          # says that an entry of the baseline is no longer needed
expect 0 nanlint check --write-baseline
git add --all
expect 0 git commit --quiet --message "the gradient of a zero vector is finite"

step "done"
git log --oneline
