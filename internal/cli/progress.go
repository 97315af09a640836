package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/output"
	"github.com/openhostfactory/ohfp/internal/view"
)

// barInterval is how often the bar moves, so that one sees that it lives.
const barInterval = 200 * time.Millisecond

// progress is a bar on the last line of a terminal. Where nobody watches it does nothing.
type progress struct {
	w       io.Writer
	screen  output.Screen
	enabled bool
	started time.Time
	now     func() time.Time
	frame   int
}

func newProgress(w io.Writer, quiet bool, screen output.Screen) *progress {
	bar := &progress{w: w, screen: screen, enabled: !quiet && output.IsTerminal(w), now: time.Now}
	bar.started = bar.now()
	return bar
}

// draw shows how far the request is.
func (b *progress) draw(r ohfp.Request) {
	if !b.enabled {
		return
	}
	b.frame++
	fmt.Fprint(b.w, "\r"+b.line(r)+"\x1b[K")
}

// clear takes the bar away.
func (b *progress) clear() {
	if b.enabled {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}

// line fits the terminal: a line that wraps could not be drawn over.
func (b *progress) line(r ohfp.Request) string {
	const spinner = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
	turn := []rune(spinner)
	done, word := view.Done(r), "ready"
	if r.Type == ohfp.TypeReturn {
		word = "gone"
	}
	text := fmt.Sprintf(" %d of %d %s, %s", done, r.Count, word, ohfp.FormatDuration(b.now().Sub(b.started).Truncate(time.Second)))
	width := 80
	if b.screen.Width > 0 {
		width = b.screen.Width
	}
	const longest, shortest, frame = 32, 4, 5 // cells of the bar; the turning sign, spaces and ends
	cells := min(longest, width-frame-len(text))
	if cells < shortest {
		return fmt.Sprintf("%c%.*s", turn[b.frame%len(turn)], max(width-2, 0), text)
	}
	full := 0
	if r.Count > 0 {
		full = min(cells*done/r.Count, cells)
	}
	return fmt.Sprintf("%c [%s%s]%s", turn[b.frame%len(turn)],
		b.colour(strings.Repeat("█", full)), strings.Repeat("░", cells-full), text)
}

func (b *progress) colour(s string) string {
	if !b.screen.Colour || s == "" {
		return s
	}
	return "\x1b[32m" + s + "\x1b[0m"
}
