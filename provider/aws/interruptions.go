package aws

import (
	"context"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/interrupt"
)

var _ provider.Interrupter = (*Provider)(nil)

// Interruptions asks EC2 which machines it is about to take.
func (p *Provider) Interruptions(ctx context.Context, kind ohfp.NoticeKind) ([]provider.Notice, error) {
	return interrupt.Ask(ctx, p.api, kind)
}

// Receive listens to the queue that the configuration names.
func (p *Provider) Receive(ctx context.Context, handle func(ctx context.Context, notices []provider.Notice) error) error {
	if p.queue.Name == "" {
		return nil
	}
	return p.queue.Receive(ctx, handle)
}

// beside is what an answer of a long poll may take beside its wait.
const beside = 5 * time.Second

// pollWait is how long a poll may wait: its answer must come within the time that a call has.
func pollWait(requestTimeout time.Duration) time.Duration {
	return min(max(requestTimeout-beside, time.Second), interrupt.MaxWait)
}
