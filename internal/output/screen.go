package output

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// ScreenOf looks at what a writer leads to. A terminal has its own width; for anything else COLUMNS counts, and without
// it lines are as long as they need to be, so that they can be searched. Colour needs a terminal that is not dumb, and
// is off when NO_COLOR is set (https://no-color.org).
func ScreenOf(w io.Writer, lookupEnv func(string) (string, bool)) Screen {
	screen := Screen{}
	if columns, ok := lookupEnv("COLUMNS"); ok {
		if n, err := strconv.Atoi(columns); err == nil && n > 0 {
			screen.Width = n
		}
	}
	if !IsTerminal(w) {
		return screen
	}
	if file, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			screen.Width = width
		}
	}
	noColour, _ := lookupEnv("NO_COLOR")
	kind, _ := lookupEnv("TERM")
	screen.Colour = noColour == "" && kind != "dumb"
	return screen
}

// IsTerminal says whether somebody watches what is written to w.
func IsTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
