package awssim

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// addresses hands out the addresses of a block, lowest free first, so that an address (and the DNS name made of it)
// soon comes back after its instance is gone.
type addresses struct {
	base uint32
	used []uint64
	// No address below word lowest is free.
	lowest int
	free   int
}

// newAddresses keeps back the first reserved addresses of the block and the last one.
func newAddresses(block netip.Prefix, reserved int) *addresses {
	first := block.Masked().Addr().As4()
	size := 1 << (32 - block.Bits())
	a := &addresses{base: binary.BigEndian.Uint32(first[:]), used: make([]uint64, (size+63)/64)}
	for i := range len(a.used) * 64 {
		if i < reserved || i >= size-1 {
			a.used[i/64] |= 1 << (i % 64)
		} else {
			a.free++
		}
	}
	return a
}

// publicAddresses are of the block set aside for benchmarks (RFC 2544), which belongs to nobody.
func publicAddresses() *addresses {
	return newAddresses(netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, 0, 0}), 15), 1)
}

// take returns the invalid address when none is free.
func (a *addresses) take() netip.Addr {
	for ; a.lowest < len(a.used); a.lowest++ {
		if word := a.used[a.lowest]; word != ^uint64(0) {
			bit := bits.TrailingZeros64(^word)
			a.used[a.lowest] |= 1 << bit
			a.free--
			var ip [4]byte
			binary.BigEndian.PutUint32(ip[:], a.base+uint32(a.lowest*64+bit))
			return netip.AddrFrom4(ip)
		}
	}
	return netip.Addr{}
}

func (a *addresses) release(addr netip.Addr) {
	if !addr.IsValid() {
		return
	}
	ip := addr.As4()
	i := int(binary.BigEndian.Uint32(ip[:]) - a.base)
	a.used[i/64] &^= 1 << (i % 64)
	a.lowest = min(a.lowest, i/64)
	a.free++
}
