package store

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/openhostfactory/ohfp"
)

// What a cursor is of is its first part.
const (
	requestCursor = "request"
	machineCursor = "machine"
)

// RequestCursor is where a list of requests goes on after r, see [RequestFilter.After].
func RequestCursor(r ohfp.Request) string { return cursor(requestCursor, r.CreatedAt, string(r.ID)) }

// MachineCursor is where a list of machines goes on after m, see [MachineFilter.After].
func MachineCursor(m ohfp.Machine) string {
	return cursor(machineCursor, m.LaunchedAt, string(m.ID), m.Provider)
}

// RequestAt is what a list of requests is ordered by, of the request that a cursor was made from. Anything else is
// [ohfp.ErrInvalid].
func RequestAt(cursor string) (ohfp.Request, error) {
	at, keys, err := parseCursor(cursor, requestCursor, 1)
	if err != nil {
		return ohfp.Request{}, err
	}
	return ohfp.Request{CreatedAt: at, ID: ohfp.RequestID(keys[0])}, nil
}

// MachineAt is what a list of machines is ordered by, of the machine that a cursor was made from.
func MachineAt(cursor string) (ohfp.Machine, error) {
	at, keys, err := parseCursor(cursor, machineCursor, 2)
	if err != nil {
		return ohfp.Machine{}, err
	}
	return ohfp.Machine{LaunchedAt: at, ID: ohfp.MachineID(keys[0]), Provider: keys[1]}, nil
}

func cursor(of string, at time.Time, keys ...string) string {
	stamp := ""
	if !at.IsZero() {
		stamp = strconv.FormatInt(at.UnixNano(), 10)
	}
	text, _ := json.Marshal(append([]string{of, stamp}, keys...)) // strings always encode
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseCursor(cursor, of string, keys int) (at time.Time, rest []string, err error) {
	wrong := ohfp.Errorf(ohfp.ErrInvalid, "cursor %.60q is not one of a list of %ss; take it from the page before, or begin without one", cursor, of)
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return at, nil, wrong
	}
	var parts []string
	if err := json.Unmarshal(text, &parts); err != nil || len(parts) != 2+keys || parts[0] != of {
		return at, nil, wrong
	}
	if parts[1] != "" {
		stamp, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil {
			return at, nil, wrong
		}
		at = time.Unix(0, stamp).UTC()
	}
	return at, parts[2:], nil
}
