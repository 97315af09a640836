package app

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws"
	inmemory "github.com/openhostfactory/ohfp/store/memory"
)

// BenchmarkCatalog looks a template up as the daemon does, of a file of five, with what AWS has to say to it.
func BenchmarkCatalog(b *testing.B) {
	dir := b.TempDir()
	const file = `{"templates": [
		{"templateId": "a", "maxNumber": 10, "imageId": "ami-1", "subnetId": "subnet-1", "vmType": "m5.large", "securityGroupIds": ["sg-1"]},
		{"templateId": "b", "maxNumber": 10, "imageId": "ami-1", "subnetId": "subnet-1", "vmType": "c5.large", "securityGroupIds": ["sg-1"]},
		{"templateId": "c", "maxNumber": 10, "imageId": "ami-1", "subnetId": "subnet-1", "vmTypes": {"m5.large": 1, "m5.xlarge": 2}, "securityGroupIds": ["sg-1"]},
		{"templateId": "d", "maxNumber": 10, "imageId": "ami-1", "subnetId": "subnet-1", "vmType": "t3.medium", "securityGroupIds": ["sg-1"], "instanceTags": "a=b;c=d"},
		{"templateId": "e", "maxNumber": 10, "imageId": "ami-1", "subnetId": "subnet-1", "vmType": "t3.large", "securityGroupIds": ["sg-1"],
			"userDataScript": "#!/bin/sh\necho up\n"}]}`
	if err := os.WriteFile(filepath.Join(dir, "awsprov_templates.json"), []byte(file), 0o600); err != nil {
		b.Fatal(err)
	}
	cfg := config.Config{
		ConfDir: dir, WorkDir: filepath.Join(dir, "work"),
		Providers: []config.Provider{{Name: "aws", Type: "aws", Enabled: true, Config: json.RawMessage(`{"region": "us-east-1"}`)}},
	}
	log := slog.New(slog.DiscardHandler)
	providers := &instances{
		config: cfg, registry: provider.Registry{"aws": {Open: aws.Open}},
		env: provider.Environment{Memory: inmemory.New(time.Now), Log: log, Now: time.Now, ConfDir: dir},
	}
	b.Cleanup(func() { _ = providers.Close() })
	c := newCatalog(cfg, providers, policyOf(cfg), log)
	b.Run("Template", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Template(b.Context(), "c"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Listed", func(b *testing.B) {
		for b.Loop() {
			if _, problems, err := c.Listed(b.Context()); err != nil || len(problems) > 0 {
				b.Fatal(problems, err)
			}
		}
	})
}
