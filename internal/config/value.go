package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
)

func text(name, expected string, field *string, description string) Key {
	return Key{
		Name: name, Expected: expected, Description: description, Kind: KindText,
		get: func() any { return *field },
		set: single(func(value string) bool {
			*field = value
			return true
		}),
	}
}

// secret is a setting whose value is shown to nobody.
func secret(name, expected string, field *Secret, description string) Key {
	return Key{
		Name: name, Expected: expected, Description: description, Secret: true, Kind: KindText,
		get: func() any { return field.String() },
		set: single(func(value string) bool {
			*field = Secret(value)
			return true
		}),
	}
}

func oneOf(name, fallback, expected string, field *string, words []string, description string) Key {
	return Key{
		Name: name, Default: fallback, Expected: expected, Description: description, Kind: KindText, Words: words,
		get: func() any { return *field },
		set: single(func(value string) bool {
			*field = value
			return slices.Contains(words, value)
		}),
	}
}

func truth(name, fallback string, field *bool, description string) Key {
	return Key{
		Name: name, Default: fallback, Expected: "true or false", Description: description, Kind: KindTruth,
		get: func() any { return *field },
		set: single(func(value string) bool {
			switch strings.ToLower(value) {
			case "true", "yes", "on", "1":
				*field = true
			case "false", "no", "off", "0":
				*field = false
			default:
				return false
			}
			return true
		}),
	}
}

func count(name, fallback string, least, most int, field *int, description string) Key {
	expected := "a whole number"
	switch {
	case least > math.MinInt32 && most < math.MaxInt32:
		expected += fmt.Sprintf(" from %d to %d", least, most)
	case least > math.MinInt32:
		expected += fmt.Sprintf(", %d or more", least)
	}
	return Key{
		Name: name, Default: fallback, Expected: expected, Description: description, Kind: KindCount, Least: least, Most: most,
		get: func() any { return *field },
		set: single(func(value string) bool {
			n, err := strconv.Atoi(value)
			*field = n
			return err == nil && n >= least && n <= most
		}),
	}
}

// dollars is an amount of dollars an hour.
func dollars(name, fallback string, field *ohfp.Price, description string) Key {
	return Key{
		Name: name, Default: fallback, Expected: "an amount of dollars, such as 12.5", Description: description, Kind: KindAmount,
		get: func() any { return json.Number(field.String()) },
		set: single(func(value string) bool {
			price, err := ohfp.ParsePrice(value)
			*field = price
			return err == nil
		}),
	}
}

func duration(name, fallback string, least, most time.Duration, field *time.Duration, description string) Key {
	expected := `a duration such as "90s", "10m", "12h" or "30d", or a number of seconds`
	if least > 0 {
		expected += ", " + ohfp.FormatDuration(least) + " or more"
	}
	if most < math.MaxInt64 {
		expected += ", " + ohfp.FormatDuration(most) + " or less"
	}
	return Key{
		Name: name, Default: fallback, Expected: expected, Description: description, Kind: KindDuration,
		get: func() any { return ohfp.FormatDuration(*field) },
		set: single(func(value string) bool {
			d, err := parseDuration(value)
			*field = d
			return err == nil && d >= least && d <= most
		}),
	}
}

// parseDuration reads "10m", or a number of seconds.
func parseDuration(value string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if !(math.Abs(seconds) < math.MaxInt64/float64(time.Second)) {
			return 0, fmt.Errorf("%s seconds are out of range", value)
		}
		return time.Duration(seconds * float64(time.Second)), nil
	}
	return ohfp.ParseDuration(value)
}

func path(name, fallback string, field *string, description string) Key {
	return Key{
		Name: name, Default: fallback, Expected: "a path", Description: description, Kind: KindText,
		get: func() any { return *field },
		set: func(in input) bool {
			if len(in.values) != 1 || in.values[0] == "" {
				return false
			}
			*field = in.path(in.values[0])
			return true
		},
	}
}

func paths(name string, field *[]string, description string) Key {
	return Key{
		Name: name, Expected: "a list of paths", Description: description, Kind: KindList,
		get: func() any { return append([]string{}, *field...) },
		set: func(in input) bool {
			*field = make([]string, len(in.values))
			for i, value := range in.values {
				(*field)[i] = in.path(value)
			}
			return !slices.Contains(in.values, "")
		},
	}
}

func words(name, expected string, field *[]string, description string) Key {
	return Key{
		Name: name, Expected: expected, Description: description, Kind: KindList,
		get: func() any { return append([]string{}, *field...) },
		set: func(in input) bool {
			*field = slices.Clone(in.values)
			return !slices.Contains(in.values, "")
		},
	}
}

// roleList is a list of what others say of somebody and which role that is.
func roleList(name, expected string, field *[]string, description string) Key {
	key := words(name, expected, field, description).commas()
	set := key.set
	key.set = func(in input) bool {
		for _, entry := range in.values {
			i := strings.LastIndexByte(entry, '=')
			if i < 1 || !slices.Contains([]string{"viewer", "operator", "admin"}, entry[i+1:]) {
				return false
			}
		}
		return set(in)
	}
	return key
}

// path resolves a path: ~ is the home directory, and relative ones start where their source is.
func (in input) path(value string) string {
	if rest, ok := strings.CutPrefix(value, "~"); ok && in.home != "" && (rest == "" || rest[0] == '/' || rest[0] == filepath.Separator) {
		return filepath.Join(in.home, rest)
	}
	if filepath.IsAbs(value) {
		return filepath.Clean(value)
	}
	return filepath.Join(in.base, value)
}

func level(name, fallback string, field *slog.Level, description string) Key {
	return Key{
		Name: name, Default: fallback, Expected: "DEBUG, INFO, WARNING, ERROR or CRITICAL", Description: description, Kind: KindText,
		get: func() any { return levelName(*field) },
		set: single(func(value string) bool {
			l, ok := parseLevel(value)
			*field = l
			return ok
		}),
	}
}

// parseLevel reads the names of log levels: Python's, slog's, and Host Factory's LOG_…
func parseLevel(name string) (slog.Level, bool) {
	switch strings.TrimPrefix(strings.ToUpper(name), "LOG_") {
	case "TRACE", "DEBUG":
		return slog.LevelDebug, true
	case "INFO", "NOTICE":
		return slog.LevelInfo, true
	case "WARN", "WARNING":
		return slog.LevelWarn, true
	case "ERR", "ERROR":
		return slog.LevelError, true
	case "CRIT", "CRITICAL", "FATAL", "ALERT", "EMERG":
		return slog.LevelError + 4, true
	default:
		return 0, false
	}
}

// levelName is the name that an operator would write.
func levelName(level slog.Level) string {
	switch {
	case level > slog.LevelError:
		return "CRITICAL"
	case level == slog.LevelWarn:
		return "WARNING"
	default:
		return level.String()
	}
}

func single(set func(value string) bool) func(input) bool {
	return func(in input) bool { return len(in.values) == 1 && set(in.values[0]) }
}
