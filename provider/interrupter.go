package provider

import (
	"context"

	"github.com/openhostfactory/ohfp"
)

// Interrupter is a provider whose cloud tells which machines it takes back. Notices may be about machines of others and
// about machines that nobody knows, may come twice and in any order: who gets them looks at the records.
type Interrupter interface {
	// Interruptions asks the cloud which machines it is about to take, by [ohfp.NoticeSpot] or [ohfp.NoticeMaintenance].
	// Beside an error it returns what arrived. That a machine is not among them says nothing.
	Interruptions(ctx context.Context, kind ohfp.NoticeKind) ([]Notice, error)
	// Receive waits for what the cloud tells by itself, until ctx ends, and hands it on, never twice at once. What handle
	// fails to take comes again. It returns nil at once where nothing is configured to be received, and an error when the
	// cloud cannot be listened to any more; the caller then calls it again after a while.
	Receive(ctx context.Context, handle func(ctx context.Context, notices []Notice) error) error
}

// Notice is what a cloud says of one machine.
type Notice struct {
	Machine   ohfp.MachineID
	Withdrawn bool // a notice of this kind no longer holds
	ohfp.Notice
}
