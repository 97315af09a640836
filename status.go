package ohfp

import "slices"

// Status is where a request is in its life.
type Status string

// The statuses. The first three may change; the others are terminal.
const (
	StatusPending    Status = "pending"     // written down, no cloud call answered yet
	StatusInProgress Status = "in_progress" // the cloud accepted a launch or an order to end machines
	StatusStopping   Status = "stopping"    // it is decided how the request ends; what exists is being released
	StatusComplete   Status = "complete"    // all that was asked for was delivered or is gone
	StatusPartial    Status = "partial"     // some of it
	StatusFailed     Status = "failed"      // none of it, and trying again cannot help
	StatusTimeout    Status = "timeout"     // none of it within the time allowed
	StatusCancelled  Status = "cancelled"   // somebody changed their mind
)

var statusMoves = map[Status][]Status{
	StatusPending: {
		StatusInProgress, StatusStopping, StatusComplete, StatusPartial, StatusFailed, StatusTimeout, StatusCancelled,
	},
	StatusInProgress: {StatusStopping, StatusComplete, StatusPartial, StatusFailed, StatusTimeout, StatusCancelled},
	StatusStopping:   {StatusPartial, StatusFailed, StatusTimeout, StatusCancelled},
}

// Statuses lists every status in the order of a request's life.
func Statuses() []Status {
	return []Status{
		StatusPending, StatusInProgress, StatusStopping,
		StatusComplete, StatusPartial, StatusFailed, StatusTimeout, StatusCancelled,
	}
}

// Terminal says whether the status is final.
func (s Status) Terminal() bool { return len(statusMoves[s]) == 0 }

// MayBecome says whether a request in status s may move to next.
func (s Status) MayBecome(next Status) bool {
	return slices.Contains(statusMoves[s], next)
}
