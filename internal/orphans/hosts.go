package orphans

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

const (
	hostsHead  = "orphans/hosts"
	hostsPart  = "orphans/hosts/"
	hostsBytes = 8
	// partHosts are the hosts of one memory, which holds less than 64 KiB.
	partHosts = 7500
	// keepHosts is how long a list is kept when no other comes. Only a recent one is evidence.
	keepHosts = 24 * time.Hour
)

// Host is a host as Host Factory names it: by machine id, by name, or by both.
type Host struct {
	ID   ohfp.MachineID
	Name string
}

// Hosts is the last list of all hosts that Host Factory gave.
type Hosts struct {
	At    time.Time
	named map[uint64]bool
}

// head is what is remembered of a list beside its parts.
type head struct {
	Sign   sign      `json:"sign"`
	Digest string    `json:"digest"` // of the parts
	At     time.Time `json:"at"`     // when it, or the same list again, was last written down
	Parts  int       `json:"parts"`
}

// sign tells lists apart in whatever order they name their hosts, without sorting them.
type sign struct {
	Count int    `json:"count"`
	Sum   uint64 `json:"sum"`
	Mixed uint64 `json:"mixed"`
}

// NoteHosts remembers a list of all hosts. A list without hosts is no evidence. The same list again is only written down
// once the last time is older than every: Host Factory gives its list every half a minute.
func NoteHosts(ctx context.Context, memory provider.Memory, hosts []Host, every time.Duration, now time.Time) error {
	sums, next := make([]uint64, 0, len(hosts)), head{At: now.UTC()}
	for _, h := range hosts {
		s := checksum('n', h.Name)
		if h.ID != "" {
			s = checksum('i', string(h.ID))
		} else if h.Name == "" {
			continue
		}
		sums = append(sums, s)
		next.Sign.Count++
		next.Sign.Sum += s
		next.Sign.Mixed += (s ^ s>>29) * (s | 1)
	}
	if len(sums) == 0 {
		return nil
	}
	told, ok, err := memory.Recall(ctx, hostsHead)
	if err != nil {
		return fmt.Errorf("recall the last list of hosts: %w", err)
	}
	var last head
	if ok && json.Unmarshal(told, &last) == nil && last.Sign == next.Sign {
		if age := now.Sub(last.At); age >= 0 && age < every {
			return nil
		}
	}
	slices.Sort(sums)
	list := make([]byte, 0, hostsBytes*len(sums))
	for _, s := range slices.Compact(sums) {
		list = binary.BigEndian.AppendUint64(list, s)
	}
	next.Digest = digest(list)
	for part := range slices.Chunk(list, hostsBytes*partHosts) {
		if err := memory.Remember(ctx, partKey(next.Parts), part, keepHosts); err != nil {
			return fmt.Errorf("remember a list of hosts: %w", err)
		}
		next.Parts++
	}
	content, err := json.Marshal(next)
	if err == nil {
		err = memory.Remember(ctx, hostsHead, content, keepHosts)
	}
	if err != nil {
		return fmt.Errorf("remember a list of hosts: %w", err)
	}
	return nil
}

// RecallHosts returns the last list if it was given in the time before now, and nil otherwise.
func RecallHosts(ctx context.Context, memory provider.Memory, within time.Duration, now time.Time) (*Hosts, error) {
	entries, err := memory.RecallPrefix(ctx, hostsHead)
	if err != nil {
		return nil, fmt.Errorf("recall the last list of hosts: %w", err)
	}
	var last head
	readable := json.Unmarshal(entries[hostsHead], &last) == nil
	var list []byte
	for n := range last.Parts {
		list = append(list, entries[partKey(n)]...)
	}
	// With another digest a list is just being written down, or a part has expired.
	if age := now.Sub(last.At); !readable || age < 0 || age > within || digest(list) != last.Digest {
		return nil, nil //nolint:nilnil // no list is no evidence, and no failure
	}
	hosts := &Hosts{At: last.At, named: make(map[uint64]bool, len(list)/hostsBytes)}
	for s := range slices.Chunk(list, hostsBytes) {
		hosts.named[binary.BigEndian.Uint64(s)] = true
	}
	return hosts, nil
}

// Name says whether the list has a machine. Of two that a checksum cannot tell apart both count as named.
func (h Hosts) Name(m ohfp.Machine) bool {
	return h.named[checksum('i', string(m.ID))] || m.Name != "" && h.named[checksum('n', m.Name)]
}

// checksum is FNV-1a, in place because a list has ten thousand hosts.
func checksum(kind byte, text string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	s := uint64(offset)
	s = (s ^ uint64(kind)) * prime
	for i := range len(text) {
		s = (s ^ uint64(text[i])) * prime
	}
	return s
}

func digest(list []byte) string {
	d := sha256.Sum256(list)
	return hex.EncodeToString(d[:16])
}

func partKey(n int) string { return fmt.Sprintf("%s%04d", hostsPart, n) }
