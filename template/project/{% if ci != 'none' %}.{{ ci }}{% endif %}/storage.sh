# Runs a command with the keys of the DVC remote at hand, and takes them away again.
set -euo pipefail
keys="$(mktemp)"
trap 'rm -f "$keys" .dvc/config.local' EXIT
if [ -n "${GOOGLE_CREDENTIALS:-}" ]; then
  printf '%s' "$GOOGLE_CREDENTIALS" > "$keys"
  export GOOGLE_APPLICATION_CREDENTIALS="$keys"
fi
if [ -n "${DVC_CONFIG_LOCAL:-}" ]; then
  printf '%s\n' "$DVC_CONFIG_LOCAL" > .dvc/config.local
fi
"$@"
