#!/usr/bin/env bash
# Lamps. not_this() { :; }

set -eu
LIMIT=3

# Lights one.
# With a match.
light() {
  local lamp="$1"
  inner() {
    echo "in_string() { }"
  }
  inner
}

function snuff {
  cat <<TEXT
in_heredoc() {
}
TEXT
}

function trim() (
  echo "$LIMIT"
)

light one; oil() { :; }

light() { :; }

torn() {
  if true; then
}

after() { :; }
