#!/usr/bin/env bash
# What the entry points of the official images of MySQL and MariaDB do at a first start, as far as README.md says.
set -euo pipefail

server=$(command -v mariadbd || command -v mysqld)
server=${server##*/}
[ "${1:0:1}" != - ] || set -- "$server" "$@"
case $1 in
  mysqld | mariadbd) set -- "$server" "${@:2}" ;;
  *) exec "$@" ;;
esac

data=/var/lib/mysql
socket=/run/mysqld/mysqld.sock

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$data" "${socket%/*}"
  chown -R mysql:mysql "$data" "${socket%/*}"
  exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" "$@"
fi

say() { printf '[Entrypoint] %s\n' "$*"; }

# MariaDB goes by MySQL's variables as well.
setting() { # name
  local mariadb=MARIADB_$1 mysql=MYSQL_$1
  if [ "$server" = mariadbd ] && [ -n "${!mariadb-}" ]; then echo "${!mariadb}"; else echo "${!mysql-}"; fi
}

text() { # value
  local value=${1//\\/\\\\}
  printf "'%s'" "${value//\'/\\\'}"
}

name() { # value
  printf "\`%s\`" "${1//\`/\`\`}"
}

client() { "${server%d}" --no-defaults --protocol=socket --socket="$socket" --user=root "$@"; }

# The data folder that was made along with the image, where no option asks for another one: to make it takes many seconds.
made=/usr/lib/mysql-made
fits() { # server option…
  [ -d "$made" ] && [[ ! "$* " =~ --(no-defaults|lower[-_]case|innodb[-_](page|data|undo|log|temp|checksum)) ]]
}

# Nothing has to outlive a crash before the real start: what is lost until then is made again.
hasty=(--skip-log-bin --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0)

initialise() { # server option…
  if [ "$server" = mariadbd ]; then
    mariadb-install-db --datadir="$data" --auth-root-authentication-method=normal --skip-test-db \
      "${@:2}" "${hasty[@]}" >/dev/null
  else
    "$@" --initialize-insecure "${hasty[@]}"
  fi
}

# A server that only this container can reach.
temporary() { # server option…
  "$@" --skip-networking --socket="$socket" "${hasty[@]}" &
  pid=$!
  until client -e 'select 1' >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || { say 'the temporary server ended' >&2; exit 1; }
    sleep 0.05
  done
}

accounts() {
  local password user database host
  password=$(setting ROOT_PASSWORD)
  host=$(setting ROOT_HOST)
  user=$(setting USER)
  database=$(setting DATABASE)
  if [ "$server" = mariadbd ]; then
    # Without a password, they would come before root@'%'.
    echo "drop user if exists root@'127.0.0.1', root@'::1';"
    echo "execute immediate concat('drop user if exists root@', quote(@@hostname));"
  fi
  echo "alter user root@localhost identified by $(text "$password");"
  if [ "${host:-%}" != localhost ]; then
    echo "create user root@$(text "${host:-%}") identified by $(text "$password");"
    echo "grant all on *.* to root@$(text "${host:-%}") with grant option;"
  fi
  [ -z "$database" ] || echo "create database if not exists $(name "$database");"
  if [ -n "$user" ]; then
    echo "create user $(text "$user")@'%' identified by $(text "$(setting PASSWORD)");"
    # In a grant, _ would stand for any character.
    [ -z "$database" ] || echo "grant all on $(name "${database//_/\\_}").* to $(text "$user")@'%';"
  fi
}

if [ ! -d "$data/mysql" ]; then
  if [ -z "$(setting ROOT_PASSWORD)$(setting ALLOW_EMPTY_PASSWORD)$(setting ALLOW_EMPTY_ROOT_PASSWORD)" ]; then
    say 'Database is uninitialized and password option is not specified' >&2
    exit 1
  fi
  say 'Initializing database files'
  if fits "$@"; then
    cp -a "$made/." "$data"
    # Said before anybody is let in.
    accounts >"${socket%/*}/accounts.sql"
    say 'init process done. Ready for start up.'
    exec "$@" --init-file="${socket%/*}/accounts.sql"
  fi
  initialise "$@"
  say 'Starting temporary server'
  temporary "$@"
  accounts | client
  say 'Stopping temporary server'
  kill "$pid"
  wait "$pid"
  say 'init process done. Ready for start up.'
fi
exec "$@"
