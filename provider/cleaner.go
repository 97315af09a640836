package provider

import (
	"context"
	"time"

	"github.com/openhostfactory/ohfp"
)

// Cleaner is a provider that makes things in the cloud which requests share, and that no request therefore removes.
type Cleaner interface {
	// Clean removes those of them that nothing uses, and returns what it has removed, also beside an error. It MUST NOT
	// remove what others have made, or made for another installation. What is removed although a launch is just about to
	// use it MUST NOT keep that launch from succeeding.
	Clean(ctx context.Context, c Cleaning) (removed []Resource, err error)
}

// Cleaning says what may be removed.
type Cleaning struct {
	InUse     []ohfp.Order  // what these refer to stays
	UnusedFor time.Duration // what was made or used within this time stays
	DryRun    bool          // remove nothing, and return what would be
}
