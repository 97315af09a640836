// Package telemetry is how the program tells what it does: a structured log and counters in files that many processes
// share, the figures that Prometheus reads, and traces.
// It refuses to write to standard output, which belongs to answers, and to let a log, a counter or a trace that cannot be
// kept fail anything.
package telemetry

import (
	"io"
	"log/slog"
	"os"

	"github.com/openhostfactory/ohfp"
)

// Options says where the log goes.
type Options struct {
	Level     slog.Leveler // the least important messages that are logged; nil: INFO
	File      string       // empty: no file
	MaxSizeMB int          // MiB at which the file is put aside; 0: never
	MaxRotate int          // old files kept
	Console   io.Writer    // gets the log too, usually standard error; nil: nobody
	Fallback  io.Writer    // gets what the file cannot take, usually standard error; nil: nobody
	JSON      bool         // lines are JSON objects, not key=value
}

// Open makes the logger. The file is opened with the first message, so that a call with nothing to say costs nothing.
// Each line carries the process id, since many processes write one file. Close the closer last.
func Open(o Options) (*slog.Logger, io.Closer, error) {
	switch {
	case o.MaxSizeMB < 0:
		return nil, nil, ohfp.Errorf(ohfp.ErrInvalid, "log file size is %d MiB; use 0 (never rotated) or more", o.MaxSizeMB)
	case o.MaxRotate < 0:
		return nil, nil, ohfp.Errorf(ohfp.ErrInvalid, "number of old log files is %d; use 0 or more", o.MaxRotate)
	}
	level := o.Level
	if level == nil {
		level = slog.LevelInfo
	}
	form := &slog.HandlerOptions{Level: level, ReplaceAttr: Mask}
	var handlers []slog.Handler
	var closer io.Closer = nothing{}
	if o.File != "" {
		file := &File{Path: o.File, MaxBytes: int64(o.MaxSizeMB) << 20, Keep: o.MaxRotate, Fallback: o.Fallback}
		handlers, closer = append(handlers, o.lines(file, form)), file
	}
	if o.Console != nil {
		handlers = append(handlers, o.lines(o.Console, form))
	}
	var handler slog.Handler
	switch len(handlers) {
	case 0:
		return slog.New(slog.DiscardHandler), closer, nil
	case 1:
		handler = handlers[0]
	default:
		handler = slog.NewMultiHandler(handlers...)
	}
	return slog.New(correlated{handler}).With("pid", os.Getpid()), closer, nil
}

func (o Options) lines(to io.Writer, form *slog.HandlerOptions) slog.Handler {
	if o.JSON {
		return slog.NewJSONHandler(to, form)
	}
	return slog.NewTextHandler(to, form)
}

// nothing is the closer of a log without file.
type nothing struct{}

func (nothing) Close() error { return nil }
