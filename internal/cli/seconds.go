package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/openhostfactory/ohfp"
)

// seconds is a flag that takes a duration such as 90s or 30d, or a number of seconds.
type seconds struct{ d *time.Duration }

func (s seconds) String() string {
	if s.d == nil || *s.d == 0 {
		return "" // flag libraries ask the zero value, and help leaves an empty default out
	}
	return ohfp.FormatDuration(*s.d)
}

func (s seconds) Set(text string) error {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		*s.d = time.Duration(n) * time.Second
		return nil
	}
	d, err := ohfp.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is no duration; write one such as 90s or 10m, or a number of seconds", text)
	}
	*s.d = d
	return nil
}

// Type is how help calls the value.
func (seconds) Type() string { return "duration" }
