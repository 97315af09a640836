#!/bin/sh
# getAvailableTemplates.sh -f FILE: lists the templates that hosts may be requested from.
# Called by IBM Spectrum Symphony Host Factory with a JSON file. Prints one JSON object and exits with 0, or prints
# {"message": ...} and exits with 1. The shell becomes the program: nothing else is started.
#
# The program is the one that OHFP_COMMAND names, else ohfp in ../bin beside this script, else ohfp in PATH. If ohfp-hf is
# installed beside it, that is started: it hands the call to the daemon if one runs, and becomes the program otherwise.

program=${OHFP_COMMAND:-}
if [ -z "$program" ]; then
  case $0 in
    */*) program=${0%/*}/../bin/ohfp ;;
    *) program=../bin/ohfp ;;
  esac
  [ -x "$program" ] || program=ohfp
fi

case $program in
  */*) [ -f "$program" ] && [ -x "$program" ] ;;
  *) command -v "$program" >/dev/null 2>&1 ;;
esac || {
  message='the program ohfp was not found; install it in bin beside the scripts directory or in PATH, or name it in OHFP_COMMAND'
  printf '{"message":"%s"}\n' "$message"
  printf '%s (looked for: %s)\n' "$message" "$program" >&2
  exit 1
}

thin=$program-hf
case $thin in
  */*) [ -f "$thin" ] && [ -x "$thin" ] ;;
  *) command -v "$thin" >/dev/null 2>&1 ;;
esac && {
  OHFP_COMMAND=$program
  export OHFP_COMMAND
  program=$thin
}

exec "$program" getAvailableTemplates "$@"
