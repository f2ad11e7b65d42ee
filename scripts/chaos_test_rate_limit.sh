#!/usr/bin/env bash
exec "$(dirname "$(readlink -f "$0")")/run" chaos.rate-limit-spike "$@"
