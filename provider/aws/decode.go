package aws

import (
	"sync"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/spec"
)

// What is kept of decoded templates at most: a catalog has tens of them, and anybody may ask to have others checked.
const (
	keepSpecs     = 1000
	keepSpecBytes = 4 << 20 // of JSON
)

// decoded keeps templates' fields decoded, by their JSON: a request's are needed to check, to size and to launch it. The
// defaults below them stay the same for the life of a Provider, and nothing else goes into decoding.
type decoded struct {
	mutex sync.Mutex
	specs map[string]spec.Spec
	bytes int
}

// decode reads a template's fields with the provider's defaults below them. The result is the caller's own.
func (p *Provider) decode(t ohfp.Template) (spec.Spec, error) {
	if s, ok := p.decoded.of(t.Spec); ok {
		return s, nil
	}
	s, err := spec.Decode(t.Spec, p.defaults)
	if err == nil {
		p.decoded.keep(t.Spec, s)
	}
	return s, err
}

func (d *decoded) of(written []byte) (spec.Spec, bool) {
	d.mutex.Lock()
	s, ok := d.specs[string(written)]
	d.mutex.Unlock()
	if !ok {
		return spec.Spec{}, false
	}
	return s.Clone(), true
}

func (d *decoded) keep(written []byte, s spec.Spec) {
	// What EC2 picks machine types by, and documents, are laid over calls piece by piece; they are rare and decoded anew.
	if s.Requirements != nil || s.Native.Set() || len(written) > keepSpecBytes {
		return
	}
	s = s.Clone()
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.specs == nil || len(d.specs) >= keepSpecs || d.bytes+len(written) > keepSpecBytes {
		d.specs, d.bytes = map[string]spec.Spec{}, 0
	}
	if _, known := d.specs[string(written)]; !known {
		d.bytes += len(written)
	}
	d.specs[string(written)] = s
}
