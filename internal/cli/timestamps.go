package cli

import (
	"time"

	"github.com/openhostfactory/ohfp/internal/view"
)

// unixMachine is a machine with its times as seconds since 1970.
type unixMachine struct {
	view.Machine
	DueAt      *int64 `json:"dueAt,omitempty"`
	LaunchedAt *int64 `json:"launchedAt,omitempty"`
	EndedAt    *int64 `json:"terminatedAt,omitempty"`
}

// timestamps is how lists of machines write times.
func timestamps(format string) (func(view.Machines) any, error) {
	switch format {
	case "auto", "iso":
		return func(list view.Machines) any { return list }, nil
	case "unix":
		return unixTimes, nil
	default:
		return nil, usageErrorf("--timestamp-format %q does not exist%s; use one of auto, iso, unix", format, suggestion(format, []string{"auto", "iso", "unix"}, ""))
	}
}

func unixTimes(list view.Machines) any {
	out := struct {
		Machines []unixMachine `json:"machines"`
	}{Machines: make([]unixMachine, 0, len(list.Machines))}
	for _, m := range list.Machines {
		out.Machines = append(out.Machines, unixMachine{
			Machine: m, DueAt: seconds1970(m.DueAt), LaunchedAt: seconds1970(m.LaunchedAt), EndedAt: seconds1970(m.EndedAt),
		})
	}
	return out
}

// seconds1970 is a time as views write it in seconds, nil for none.
func seconds1970(text string) *int64 {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil
	}
	seconds := at.Unix()
	return &seconds
}
