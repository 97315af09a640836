#!/bin/sh
# Tells systemd of the unit. A daemon that runs is started again after an upgrade; a new one is not started, since it
# would work with somebody's cloud account before that was configured.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart ohfp.service
fi
