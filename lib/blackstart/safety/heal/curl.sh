# Stands in for a curl that is missing, as far as the calls here use it: by wget, else by python3.
if ! command -v curl >/dev/null; then
curl() (
  if wget --help 2>&1 | grep -q -e --body-data; then by_wget "$@"
  elif command -v python3 >/dev/null; then python3 -I -c "$BY_PYTHON" "$@"
  else echo "curl, wget or python3 is needed for this, and none is here" >&2; exit 127; fi
)
by_wget() {
  fail='' report='' url='' config=--no-config left=$#
  while [ "$left" -gt 0 ]; do
    word=$1; shift; left=$((left - 1))
    case $word in
      -sS) continue ;;
      -fsS) fail=1; continue ;;
      -*) value=$1; shift; left=$((left - 1)) ;;
      *) url=$word; continue ;;
    esac
    case $word in
      --max-time) set -- "$@" --timeout="$value" ;;
      -X) set -- "$@" --method="$value" ;;
      --data) set -- "$@" --body-data="$value" ;;
      # Headers that are secret come by the input: words can be read by everybody. wget reads regular files only.
      -H) if [ "$value" = @- ]; then
            file=$(mktemp) || exit 1; trap 'rm -f "$file"' EXIT; config=--config=$file
            sed 's/^/header = /' >"$file" || exit 1
          else set -- "$@" --header="$value"; fi ;;
      -w) report=1 ;;
    esac
  done
  [ -z "${SSL_CERT_FILE-}" ] || set -- "$@" --ca-certificate="$SSL_CERT_FILE"
  [ -z "${SSL_CERT_DIR-}" ] || set -- "$@" --ca-directory="$SSL_CERT_DIR"
  said=$(LC_ALL=C wget "$config" -S -O /dev/null --tries=1 --no-proxy --max-redirect=0 --auth-no-challenge \
    "$@" "$url" 2>&1)
  status=$(printf '%s\n' "$said" | sed -n 's|^ *HTTP/[0-9.]* \([0-9][0-9][0-9]\).*|\1|p' | tail -n 1)
  [ -z "$report" ] || printf %s "${status:-000}"
  [ -n "$status" ] || case $said in
    *"timed out"*) echo "no answer in time" >&2; exit 28 ;;
    *"Connection refused"*) echo "connection refused" >&2; exit 7 ;;
    *) printf '%s\n' "$said" | tail -n 1 >&2; exit 6 ;;
  esac
  [ -z "$fail" ] || [ "$status" -lt 400 ] || { echo "it answered $status" >&2; exit 22; }
}
BY_PYTHON=$(cat <<'PYTHON'
import argparse, base64, http.client, sys, urllib.parse
words = argparse.ArgumentParser()
for option in ("-s", "-S", "-f"):
    words.add_argument(option, action="store_true")
for option in ("-X", "--noproxy", "--data", "-o", "-w", "url"):
    words.add_argument(option)
words.add_argument("-H", action="append", default=[])
words.add_argument("--max-time", type=float)
given = words.parse_args()
lines = [line for text in given.H for line in (sys.stdin.read().splitlines() if text == "@-" else [text])]
url = urllib.parse.urlsplit(given.url)
headers = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
if url.username is not None:
    who = urllib.parse.unquote(f"{url.username}:{url.password or ''}")
    headers.setdefault("Authorization", "Basic " + base64.b64encode(who.encode()).decode())
kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
try:
    connection = kind(url.hostname, url.port, timeout=given.max_time)
    path = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
    connection.request(given.X, path, given.data, headers)
    status = connection.getresponse().status
except (OSError, http.client.HTTPException) as error:
    print("000" if given.w else "", end="")
    sys.stderr.write(f"{error or type(error).__name__}\n")
    sys.exit(7 if isinstance(error, ConnectionRefusedError) else 28 if isinstance(error, TimeoutError) else 6)
print(status if given.w else "", end="")
if given.f and status >= 400:
    sys.stderr.write(f"it answered {status}\n")
    sys.exit(22)
PYTHON
)
fi
