package aws_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store/sqlstore"
)

// BenchmarkOrder takes the steps of a launch that the provider takes without AWS, over the store that a site has.
func BenchmarkOrder(b *testing.B) {
	w := newWorld(b, awssim.Options{})
	db, err := sqlstore.Open(b.Context(), sqlstore.Options{Path: filepath.Join(b.TempDir(), "ohfp.db"), Now: w.now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	env := w.environment(nil)
	env.Memory = db
	p := w.openIn(b, env)
	known, ok := provider.As[provider.Attributer](p)
	if !ok {
		b.Fatal("the provider tells no attributes")
	}
	t := template("RunInstances", `{"imageId": "`+image+`", "subnetId": "`+subnetA+`", "vmTypes": {"m5.large": 1, "m5.xlarge": 2},
		"securityGroupIds": ["sg-1", "sg-2"], "instanceTags": "a=b;c=d", "keyName": "ops", "instanceProfile": "workers",
		"userDataScript": "#!/bin/sh\necho up\n"}`)
	steps := []struct {
		name string
		step func() error
	}{
		{"Validate", func() error { return p.Validate(b.Context(), t) }},
		{"Attributes", func() error { _, err := known.Attributes(t); return err }},
		{"Prepare", func() error { _, err := p.Prepare(b.Context(), ask(t, 1)); return err }},
	}
	for _, s := range steps {
		b.Run(s.name, func(b *testing.B) {
			for b.Loop() {
				w.advance(5 * time.Second) // the pace of launches is not what is measured
				if err := s.step(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
