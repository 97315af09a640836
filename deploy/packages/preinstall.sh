#!/bin/sh
# Makes the account that the daemon runs under, before files are unpacked that belong to its group.
set -e
if ! getent group ohfp >/dev/null; then
  groupadd --system ohfp
fi
if ! getent passwd ohfp >/dev/null; then
  useradd --system --gid ohfp --home-dir /var/lib/ohfp --no-create-home --shell /usr/sbin/nologin \
    --comment 'Open Host Factory daemon' ohfp
fi
