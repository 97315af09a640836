package sqlstore

import (
	"sync"

	"github.com/openhostfactory/ohfp"
)

const (
	// maxDecoded is how many machines are kept, with their documents about a kilobyte each.
	maxDecoded = 10_000
	// worthKeeping is how many reads keep nothing: a process that reads a few times, as a script's call does, would keep for nobody.
	worthKeeping = 3
)

// decoded keeps the machines that a process reads again and again by the documents that they were decoded from, since
// decoding takes longer than reading. The same document is the same machine, and copies of a machine share nothing.
type decoded struct {
	mu    sync.RWMutex
	reads int
	of    map[string]ohfp.Machine
}

// begin counts a read, and returns nil while what it decodes is not worth keeping.
func (d *decoded) begin() *decoded {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.reads < worthKeeping {
		d.reads++
		return nil
	}
	return d
}

// find returns the machine of a document, without its version.
func (d *decoded) find(doc []byte) (m ohfp.Machine, known bool) {
	if d == nil {
		return m, false
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	m, known = d.of[string(doc)]
	return m, known
}

func (d *decoded) keep(doc []byte, m ohfp.Machine) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of == nil || len(d.of) >= maxDecoded {
		d.of = map[string]ohfp.Machine{}
	}
	d.of[string(doc)] = m
}
