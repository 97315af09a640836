// Package audit records who did what from where through which face, and how it ended: one line for each operation that
// changes something, also for those that were refused.
// It refuses to hold an operation up: what cannot be recorded is told in the log, and what was done stays done.
package audit

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/access"
)

// Outcome is how an operation ended.
type Outcome string

// The outcomes.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // the caller was not recognised, or may not do it
	Failed  Outcome = "failed"
)

// Entry is one operation by somebody.
type Entry struct {
	At        time.Time        `json:"at"`
	Caller    string           `json:"caller,omitempty"` // empty when the face does not know
	By        access.Proof     `json:"by,omitempty"`     // what told that it was them; empty: that they are on this machine
	Role      access.Role      `json:"role,omitempty"`
	Face      string           `json:"face"`
	From      string           `json:"from"` // an address, or local
	Operation access.Operation `json:"operation"`
	Subjects  []string         `json:"subjects,omitempty"` // ids of what it was about
	DryRun    bool             `json:"dryRun,omitempty"`   // it was only asked what it would do
	Outcome   Outcome          `json:"outcome"`
	Error     string           `json:"error,omitempty"`
	TookMS    int64            `json:"tookMs"`
}

// Local is where callers are who use no network.
const Local = "local"

// Authenticate is in the entries of callers over a network who were not recognised.
const Authenticate access.Operation = "authenticate"

const (
	longestError = 500 // bytes
	mostSubjects = 100
)

// Log appends entries to a file that only its owner may read, a line of JSON each. It opens the file for each of them, so
// that whoever puts the file aside need tell nobody. Lines reach the system at once and the disk when the system sees fit.
// A nil Log records nothing.
type Log struct {
	Path  string
	Reads bool // operations that change nothing are recorded too
	Now   func() time.Time
	Log   *slog.Logger // is told what could not be recorded
}

// Begin notes when an operation begins. Whoever made it says afterwards what it was about and how it ended.
func (l *Log) Begin(caller access.Caller, from string, op access.Operation) *Record {
	rule, known := access.RuleOf(op)
	if l == nil || known && rule.Effect == access.Reads && !l.Reads {
		return nil
	}
	return &Record{log: l, entry: Entry{
		At: l.Now().UTC().Truncate(time.Millisecond), Caller: caller.Name, By: caller.By, Role: caller.Role, Face: caller.Face, From: from, Operation: op,
	}}
}

// Record is an operation that goes on. A nil Record is one that is not recorded.
type Record struct {
	log   *Log
	entry Entry
	ended bool
}

// About adds ids of what the operation is about.
func (r *Record) About(subjects ...string) {
	if r == nil {
		return
	}
	for _, subject := range subjects {
		if subject = access.Plain(subject); subject != "" && len(r.entry.Subjects) < mostSubjects && !contains(r.entry.Subjects, subject) {
			r.entry.Subjects = append(r.entry.Subjects, subject)
		}
	}
}

func contains(list []string, text string) bool {
	for _, known := range list {
		if known == text {
			return true
		}
	}
	return false
}

// DryRun notes that nothing will be changed.
func (r *Record) DryRun() {
	if r != nil {
		r.entry.DryRun = true
	}
}

// End records how the operation ended. Only the first end counts.
func (r *Record) End(ctx context.Context, err error) {
	var refusal *access.Refusal
	switch {
	case err == nil:
		r.end(ctx, Done, "")
	case errors.As(err, &refusal):
		r.end(ctx, Refused, err.Error())
	default:
		r.end(ctx, Failed, err.Error())
	}
}

// Refuse records that a caller was not recognised.
func (r *Record) Refuse(ctx context.Context, why string) { r.end(ctx, Refused, why) }

// Fail records that the operation failed, in words.
func (r *Record) Fail(ctx context.Context, why string) { r.end(ctx, Failed, why) }

func (r *Record) end(ctx context.Context, outcome Outcome, why string) {
	if r == nil || r.ended {
		return
	}
	r.ended = true
	if len(why) > longestError {
		why = why[:longestError] + "…"
	}
	r.entry.Outcome, r.entry.Error = outcome, why
	r.entry.TookMS = r.log.Now().Sub(r.entry.At).Milliseconds()
	if err := r.log.append(r.entry); err != nil && r.log.Log != nil {
		r.log.Log.ErrorContext(ctx, "an operation could not be recorded in the audit log", "error", err,
			"operation", r.entry.Operation, "caller", r.entry.Caller, "outcome", outcome)
	}
}

func (l *Log) append(e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(l.Path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if e.DryRun {
			return nil // there is no installation yet, and none is made by asking what would be
		}
		if err := os.MkdirAll(filepath.Dir(l.Path), 0o750); err != nil {
			return err
		}
		file, err = os.OpenFile(l.Path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	}
	if err != nil {
		return ohfp.Errorf(ohfp.ErrUnavailable, "audit log cannot be written: %w; set audit.file", err)
	}
	_, err = file.Write(append(line, '\n')) // one write: lines of other processes come before it or after it
	return errors.Join(err, file.Close())
}
