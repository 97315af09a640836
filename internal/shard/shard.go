// Package shard spreads the requests of one store over the daemons that share it: each request belongs to a shard, and each
// shard to the daemon that holds its lease.
// It refuses to be what keeps two daemons apart: that is the token of the lease, which the store compares with every write.
// What is decided here, by clocks, is only who tries.
package shard

import (
	"fmt"
	"hash/fnv"

	"github.com/openhostfactory/ohfp"
)

// Count is how many shards there are, the same for all daemons of a store. It bounds how many of them have something to do.
const Count = 32

// Names of leases.
const (
	shardPrefix  = "shard/"
	memberPrefix = "daemon/"
)

// Of is the shard of a request.
func Of(id ohfp.RequestID) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return int(h.Sum32() % Count)
}

func leaseName(number int) string { return fmt.Sprintf("%s%02d", shardPrefix, number) }
