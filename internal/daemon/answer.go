package daemon

import (
	"strings"

	"github.com/openhostfactory/ohfp/internal/hostfactory"
)

// StandardError is what a call writes to standard error, with the daemon or without.
func StandardError(reply hostfactory.Reply) string {
	if reply.Stderr == "" {
		return ""
	}
	return "ohfp: " + strings.ReplaceAll(reply.Stderr, "\n", "\nohfp: ") + "\n"
}
