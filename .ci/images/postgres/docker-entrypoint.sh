#!/usr/bin/env bash
# What the official image's entry point does at a first start, as far as ../README.md says.
set -euo pipefail

[ "${1:0:1}" != - ] || set -- postgres "$@"
[ "$1" = postgres ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /run/postgresql
  chown -R postgres:postgres "$PGDATA" /run/postgresql
  chmod 700 "$PGDATA"
  HOME=/var/lib/postgresql exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

if [ -s "$PGDATA/PG_VERSION" ]; then
  printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
  exec "$@"
fi

method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
if [ -z "${POSTGRES_PASSWORD-}" ] && [ "$method" != trust ]; then
  echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
  exit 1
fi

given=(--username="$user" --no-sync)
[ -z "${POSTGRES_INITDB_WALDIR-}" ] || given+=(--waldir="$POSTGRES_INITDB_WALDIR")
eval 'given+=('"${POSTGRES_INITDB_ARGS-}"')'
if [ -n "${POSTGRES_PASSWORD-}" ]; then
  initdb "${given[@]}" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD")
else
  initdb "${given[@]}"
fi
printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

# Nobody outside is let in before the database is there. What is lost with the machine until then is made again.
pg_ctl -w start -o "$(printf '%q ' "${@:2}" -c listen_addresses= -c fsync=off)"
if [ "$database" != postgres ]; then
  psql -v ON_ERROR_STOP=1 --no-psqlrc -U "$user" -d postgres --set database="$database" <<<'create database :"database"'
fi
pg_ctl -w -m fast stop
printf '\nPostgreSQL init process complete; ready for start up.\n\n'
exec "$@"
