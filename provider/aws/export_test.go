package aws

import (
	"context"
	"time"

	"github.com/openhostfactory/ohfp/provider"
)

// SetPause lets a test decide what waiting is: its clock is not the real one.
func SetPause(p provider.Provider, pause func(ctx context.Context, d time.Duration) error) {
	if p, ok := p.(*Provider); ok {
		p.pause = pause
		p.api.Retry.Sleep = pause
		if p.api.Pacer != nil {
			p.api.Pacer.Sleep = pause
		}
	}
}
