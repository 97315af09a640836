package demo

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/openhostfactory/ohfp/internal/output"
)

// tell writes the story. A reader that has gone away does not stop the demo.
type tell struct {
	w      io.Writer
	screen output.Screen
	step   int
}

const (
	column = 58 // where the time of a call stands, so that lines fit 80 columns
	indent = "   "
)

func (t *tell) line(format string, args ...any) {
	fmt.Fprintf(t.w, format+"\n", args...)
}

// chapter begins the next step.
func (t *tell) chapter(format string, args ...any) {
	t.step++
	title := fmt.Sprintf("%d  ", t.step) + fmt.Sprintf(format, args...)
	t.line("\n%s", t.style("1", title))
}

// call tells of one run of a script and what came of it.
func (t *tell) call(script string, took time.Duration, format string, args ...any) {
	what := indent + fmt.Sprintf("%-28s ", script) + fmt.Sprintf(format, args...)
	gap := max(column+9-utf8.RuneCountInString(what), 1)
	t.line("%s%s%s", what, strings.Repeat(" ", gap), t.style("90", milliseconds(took)))
}

func (t *tell) detail(format string, args ...any) {
	t.line("%s%s", indent, fmt.Sprintf(format, args...))
}

// proof tells of something that was checked and is true.
func (t *tell) proof(format string, args ...any) {
	t.line("%s%s %s", indent, t.style("32", "✓"), fmt.Sprintf(format, args...))
}

// style wraps text in an escape sequence where those are understood.
func (t *tell) style(code, text string) string {
	if !t.screen.Colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%4d ms", max(d.Milliseconds(), 1))
}

// tabulate writes a table as far in as the rest. Where there is no terminal it still fits 80 columns.
func (t *tell) tabulate(document any, layout output.Layout) error {
	screen := t.screen
	if screen.Width == 0 {
		screen.Width = 80
	}
	screen.Width -= len(indent)
	var text bytes.Buffer
	if err := output.Write(&text, output.Table, document, layout, screen); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			t.line("%s%s", indent, line)
		}
	}
	return nil
}
