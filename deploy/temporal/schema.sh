#!/bin/sh
# Makes or upgrades both databases; doing it again changes nothing.
set -eu
schema=/etc/temporal/schema/postgresql/v12
tool() { temporal-sql-tool --plugin postgres12 --ep "$SQL_HOST" -p 5432 -u "$SQL_USER" "$@"; }
for pair in temporal:temporal temporal_visibility:visibility; do
  database="${pair%%:*}"
  tool --db "$database" create
  # Refused where there is a version already; then only what is newer is applied.
  tool --db "$database" setup-schema -v 0.0 || echo "$database has a schema"
  tool --db "$database" update-schema -d "$schema/${pair##*:}/versioned"
done
