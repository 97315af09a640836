#!/bin/bash
# User data for machines that Host Factory gets: it makes a host whose image has IBM Spectrum Symphony installed join its
# EGO cluster. EC2 runs it as root at the first start. It must stay below 16,384 bytes.
#
# Set the parameters; without EGO_MASTERS it ends with a message on the console and the host never joins.

EGO_TOP=/opt/ibm/spectrumcomputing   # where Symphony is installed in the image
EGO_MASTERS=""                       # the management hosts, primary first, separated by blanks
EGO_ADMIN=egoadmin                   # the cluster administrator's account
EGO_RESOURCE=ohfp                    # the host carries this resource tag, by which resource groups select it; empty: none
EGO_HOSTNAME=aws                     # aws: the private DNS name, as templates report it by default; keep: as the image has it

fail() {
  echo "join_ego: $*" >&2
  logger -t join_ego -- "$*"
  exit 1
}

[ -n "$EGO_MASTERS" ] || fail "EGO_MASTERS is not set; name the management hosts at the head of the user data"
[ -r "$EGO_TOP/profile.platform" ] || fail "$EGO_TOP/profile.platform is not there; the image needs Symphony, or EGO_TOP is wrong"

# Host Factory takes a host for joined when EGO lists it under the name that the provider reported.
if [ "$EGO_HOSTNAME" = aws ]; then
  imds=http://169.254.169.254/latest
  token=$(curl -sf -m 5 --retry 10 --retry-delay 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 300' "$imds/api/token") ||
    fail "the instance metadata service gives no token"
  name=$(curl -sf -m 5 --retry 10 --retry-delay 2 -H "X-aws-ec2-metadata-token: $token" "$imds/meta-data/local-hostname") ||
    fail "the instance metadata service tells no host name"
  hostnamectl set-hostname "${name%% *}" || fail "the host name ${name%% *} cannot be set"
fi

# shellcheck disable=SC1091
. "$EGO_TOP/profile.platform"

conf=${EGO_CONFDIR:-$EGO_TOP/kernel/conf}/ego.conf
[ -w "$conf" ] || fail "$conf cannot be written"
if [ -n "$EGO_RESOURCE" ]; then
  sed -i '/^EGO_LOCAL_RESOURCES=/d' "$conf"
  echo "EGO_LOCAL_RESOURCES=\"[resource $EGO_RESOURCE]\"" >>"$conf"
fi

# The first management host that answers takes the host in.
joined=
for attempt in 1 2 3 4 5; do
  for master in $EGO_MASTERS; do
    if su "$EGO_ADMIN" -c ". '$EGO_TOP/profile.platform' && egoconfig join '$master' -f"; then
      joined=$master
      break 2
    fi
  done
  sleep $((attempt * 5))
done
[ -n "$joined" ] || fail "none of $EGO_MASTERS lets this host join; see egoconfig's message above, the name service and the firewall"

egosh ego start -f || fail "EGO does not start; see $EGO_TOP/kernel/log"
logger -t join_ego -- "joined by $joined"
