package reconcile

import (
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/store"
)

// Shares say which requests this process drives, where several daemons share a store.
type Shares interface {
	// Borrow returns the right to drive a request, or false: another daemon has it, or nobody yet.
	Borrow(id ohfp.RequestID) (Share, bool)
}

// Share is the right to drive a request.
type Share struct {
	Store store.Store // what is written through it is refused once another may drive the request
	Since time.Time   // when this process got the right
	Sure  func() bool // whether nobody else can have got it meanwhile, as far as the clock here can tell
	Done  func()      // gives it back
}

// For returns the executor for one request. What that writes is refused once another daemon may drive the request; done ends
// it. It is not mine when another drives it or nobody yet: it then works as a script does beside a daemon, whose writes the
// versions of records alone keep apart.
func (e *Executor) For(id ohfp.RequestID) (one *Executor, done func(), mine bool) {
	if e.Shares == nil || e.driven == id {
		return e, func() {}, true
	}
	alone := *e
	alone.driven, alone.sure = id, nil
	share, mine := e.Shares.Borrow(id)
	if !mine {
		return &alone, func() {}, false
	}
	alone.Store, alone.sure = share.Store, share.Sure
	return &alone, share.Done, true
}

// Mine says whether this process drives a request.
func (e *Executor) Mine(id ohfp.RequestID) bool {
	_, done, mine := e.For(id)
	done()
	return mine
}

// TookOver says whether this process took a request over after at, so that whoever was at work on it then no longer is.
func (e *Executor) TookOver(id ohfp.RequestID, at time.Time) bool {
	if e.Shares == nil {
		return false
	}
	share, mine := e.Shares.Borrow(id)
	if !mine {
		return false
	}
	share.Done()
	return share.Since.After(at)
}

// lost says whether another may drive the request by now. Between the write of an intent and the call that follows, a process
// may have been stopped for hours; the intent is another's to carry out then.
func (e *Executor) lost() bool { return e.sure != nil && !e.sure() }
