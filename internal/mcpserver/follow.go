package mcpserver

import (
	"context"
	"fmt"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/view"
)

const (
	mostWait   = 600             // seconds; clients give up on calls that take longer
	firstPause = time.Second     // between the first looks: most machines are there within seconds
	lastPause  = 5 * time.Second // between later ones, well below the rate at which clouds throttle
)

func checkWait(seconds int) error {
	if seconds < 0 || seconds > mostWait {
		return ohfp.Errorf(ohfp.ErrInvalid, "wait_seconds %d makes no sense; use 0 to %d", seconds, mostWait)
	}
	return nil
}

// follow looks at a request until it has ended or the seconds are over, and reports progress to a client that wants it.
func (c *call) follow(ctx context.Context, r ohfp.Request, seconds int) (ohfp.Request, error) {
	over := c.Now().Add(time.Duration(seconds) * time.Second)
	told := -1
	for pause := firstPause; ; pause = min(pause+pause/2, lastPause) {
		if done := view.Done(r); done > told { // progress must rise with each report
			told = done
			c.progress(ctx, done, r.Count, fmt.Sprintf("request %s is %s: %d of %d", r.ID, r.Status, done, r.Count))
		}
		left := over.Sub(c.Now())
		if r.Status.Terminal() || left <= 0 {
			return r, nil
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-time.After(min(pause, left)):
		}
		ids := []ohfp.RequestID{r.ID}
		if err := c.sync(ctx, command.SyncRequests{IDs: ids, Others: true}); err != nil {
			return r, err
		}
		found, _, err := c.Queries.RequestStatus(ctx, ids)
		if err != nil {
			return r, err
		}
		if len(found) == 0 {
			return r, noSuchRequest(r.ID)
		}
		r = found[0]
	}
}

// progress reports how far a call is, if its client has asked for that.
func (c *call) progress(ctx context.Context, done, total int, text string) {
	token := c.request.Params.GetProgressToken()
	if token == nil {
		return
	}
	err := c.request.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
		ProgressToken: token, Progress: float64(done), Total: float64(total), Message: text,
	})
	if err != nil {
		c.Log.DebugContext(ctx, "progress could not be reported", "tool", c.tool, "error", err)
	}
}

// log sends a message to a client that has set a level at which it wants them. Protocol 2026-07-28 has no such messages
// any more; the library then drops them.
//
//nolint:staticcheck // clients of older protocols have it until they are gone
func (c *call) log(ctx context.Context, level mcp.LoggingLevel, text string) {
	if c.request == nil || c.request.Session == nil {
		return
	}
	if err := c.request.Session.Log(ctx, &mcp.LoggingMessageParams{Level: level, Logger: "ohfp", Data: text}); err != nil {
		c.Log.DebugContext(ctx, "a message could not be sent", "tool", c.tool, "error", err)
	}
}
