#!/bin/sh
# A command in other namespaces, as Chaos Mesh's program of this name runs it: nsexec -n /proc/PID/ns/net -- WORDS
way=
while [ "$1" != -- ]; do
  case $1 in
  -n) way="$way --net=$2" ;;
  -p) way="$way --pid=$2" ;;
  -m) way="$way --mount=$2" ;;
  -i) way="$way --ipc=$2" ;;
  -l) shift && continue ;;
  esac
  shift 2
done
# Without a fork: who ends this process ends the command.
exec nsenter --no-fork $way "$@"
