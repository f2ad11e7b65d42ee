#!/bin/sh
# Undoes what the run leader_lock_2026-11-28T06-36-17 did. Safe to run at any time, and more than once.
elsewhere() {
  echo "NOTHING was undone: this is not net:[4026531833] on vm. Run there: $*" >&2
  echo "If it can be undone from here all the same: BLACKSTART_HERE=1 sh $0" >&2
  exit 1
}
if [ -n "${BLACKSTART_HERE-}" ] || [ ! -r /proc/sys/kernel/random/boot_id ]; then
  :
elif [ "$(cat /proc/sys/kernel/random/boot_id)" = 833afca6-6381-493a-a752-dc96b249dacf ]; then
  here=$(readlink /proc/self/ns/net) && [ "$here" != 'net:[4026531833]' ] && elsewhere nsenter --net=/proc/PID/ns/net sh "$0"
elif [ "$(uname -n)" != vm ]; then
  elsewhere sh "$0"
fi
failed=0
turn=1
# What a step says is shown at its first try, and at the very last one: the same words ten times help nobody.
undo() {
  tries=1
  until attempt "$@"; do
    [ "$tries" -lt 5 ] || { failed=1; echo "failed ×$tries in $(($(date +%s) - began)) s" >&2; return 0; }
    tries=$((tries + 1))
    sleep 1
  done
}
attempt() {
  [ "$tries" -gt 1 ] || began=$(date +%s)
  case $turn$tries in 11|25) "$@" ;; *) "$@" >/dev/null 2>&1 ;; esac
}
step_0() {
( out=$( /root/w/R/.venv/bin/supervisorctl -c /tmp/R/st/labs/trader/supervisord.conf start redis 2>&1) && code=0 || code=$?; printf '%s\n' "$out"; case $code in 0) exit 0 ;; esac; case $out in *'already started'*) ;; *) [ "$code" -gt 0 ] && exit "$code"; exit 1 ;; esac )
}
everything() {
  printf '%s\n' 'undoing: stop redis'
  undo step_0
  :
}
everything
sleep 1
failed=0 turn=2
everything
if [ "$failed" = 0 ]; then
  echo 'Every undo was carried out. Whether it took effect is not looked at here: chaos.heal proves it.'
else
  echo 'NOT everything was undone: see the messages above' >&2
fi
exit "$failed"
