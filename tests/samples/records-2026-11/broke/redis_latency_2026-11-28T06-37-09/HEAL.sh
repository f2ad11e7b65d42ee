#!/bin/sh
# Undoes what the run redis_latency_2026-11-28T06-37-09 did. Safe to run at any time, and more than once.
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
( status=$(curl -sS --max-time 10 -X DELETE --noproxy '*' http://127.0.0.1:28260/proxies/redis/toxics/blackstart.gateway.redis.latency_downstream -o /dev/null -w '%{http_code}') && code=0 || code=$?; [ $code != 7 ] || { echo 'nobody listens at http://127.0.0.1:28260: the fault proxy has ended, and all that was put into it with it. What reaches redis through it is cut off until it is started again.'; exit 0; }; case $status in 200|204|404) exit 0 ;; esac; echo 'not accepted' >&2; exit 1 )
}
everything() {
  printf '%s\n' 'undoing: delay redis by 2000 ms ± 200 ms'
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
