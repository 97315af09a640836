#!/bin/sh
# A plug-in that writes down how it was called and answers what it is told to.
# OUT is a directory; ANSWER, COMPLAINT and EXIT are the answer; DIE kills it, SLEEP makes it slow.
printf '%s\n' "$1" "$2" >"$OUT/arguments"
cat "$3" >"$OUT/input"
env | grep ^HF_ | sort >"$OUT/environment"
echo call >>"$OUT/calls"
[ -z "$SLEEP" ] || sleep "$SLEEP" >/dev/null 2>&1
[ -z "$DIE" ] || kill -9 $$
if [ -n "$AFTER" ] && [ "$(grep -c call "$OUT/calls")" -ge "$AFTER" ]; then
  ANSWER=$LAST
fi
printf '%s\n' "$ANSWER"
[ -z "$COMPLAINT" ] || printf '%s\n' "$COMPLAINT" >&2
exit "${EXIT:-0}"
