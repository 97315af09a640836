package ohfp

import (
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// daysFrom is where people begin to count days: a day is 24h to them, 30 are 30d.
const daysFrom = 2 * day

// FormatDuration writes a duration as people do: 30d, 24h, 1h30m, 90 seconds as 1m30s. ParseDuration reads it.
func FormatDuration(d time.Duration) string {
	text, rest := "", d.Abs()
	if rest >= daysFrom {
		text, rest = strconv.FormatInt(int64(rest/day), 10)+"d", rest%day
	}
	if rest > 0 || text == "" {
		small := rest.String() // 1h30m0s; the parts that are nothing say nothing
		if strings.HasSuffix(small, "m0s") {
			small = strings.TrimSuffix(small, "0s")
		}
		if strings.HasSuffix(small, "h0m") {
			small = strings.TrimSuffix(small, "0m")
		}
		text += small
	}
	if d < 0 {
		text = "-" + text
	}
	return text
}

// ParseDuration reads what FormatDuration writes, and what time.ParseDuration reads: days come first, as a whole number.
// Kind: ErrInvalid.
func ParseDuration(text string) (time.Duration, error) {
	rest, negative := strings.CutPrefix(text, "-")
	days, small, found := strings.Cut(rest, "d")
	if !found {
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, noDuration(text)
		}
		return d, nil
	}
	number, err := strconv.ParseUint(days, 10, 32)
	if err != nil || number > uint64((1<<63-1)/day) {
		return 0, noDuration(text)
	}
	d := time.Duration(number) * day
	if small != "" {
		more, err := time.ParseDuration(small)
		if err != nil || more < 0 || small[0] == '+' || d+more < d {
			return 0, noDuration(text)
		}
		d += more
	}
	if negative {
		d = -d
	}
	return d, nil
}

func noDuration(text string) error {
	return Errorf(ErrInvalid, "%q is no duration; write for example 90s, 10m, 12h or 30d", text)
}
