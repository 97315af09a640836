#!/bin/sh
# Stops the daemon when the package goes for good. deb says remove and upgrade, rpm how many will be left.
set -e
case ${1:-} in
  remove | deconfigure | 0)
    if [ -d /run/systemd/system ]; then
      systemctl disable --now ohfp.service
    fi
    ;;
esac
