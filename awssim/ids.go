package awssim

import (
	"fmt"
	"strings"
)

// newID makes an ID of today's length: seventeen hexadecimal digits, the first of which is 0 in practice.
func (c *Cloud) newID(kind string) string {
	return fmt.Sprintf("%s-0%016x", kind, c.random.Uint64())
}

func (c *Cloud) newUUID() string {
	a, b := c.random.Uint64(), c.random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffff_ffff_ffff)
}

// newSpotRequestID makes the shorter kind of ID that spot instance requests have.
func (c *Cloud) newSpotRequestID() string {
	const letters = "0123456789abcdefghijklmnopqrstuvwxyz"
	var id strings.Builder
	id.WriteString("sir-")
	for range 8 {
		id.WriteByte(letters[c.random.IntN(len(letters))])
	}
	return id.String()
}

// wellFormedID reports whether id is kind-, then 8 (before 2016) or 17 hexadecimal digits.
func wellFormedID(kind, id string) bool {
	digits, ok := strings.CutPrefix(id, kind+"-")
	return ok && (len(digits) == 8 || len(digits) == 17) && strings.Trim(digits, "0123456789abcdef") == ""
}
