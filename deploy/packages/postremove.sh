#!/bin/sh
# Takes away what the package made. Records stay: without them nobody knows which machines still run and cost money.
set -e
case ${1:-} in
  remove | 0)
    if [ -d /run/systemd/system ]; then
      systemctl daemon-reload
    fi
    ;;
  purge)
    rm -rf /etc/ohfp /var/log/ohfp
    if [ -d /var/lib/ohfp ] && ! rmdir /var/lib/ohfp 2>/dev/null; then
      echo 'ohfp: records of requests and machines are left in /var/lib/ohfp; remove them when no machine runs any more' >&2
    else
      userdel ohfp 2>/dev/null || true
      groupdel ohfp 2>/dev/null || true
    fi
    ;;
esac
