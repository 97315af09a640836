package placement

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

const (
	// fitFor is how long it is believed that an instance can take a template, or cannot: a changed configuration of the
	// instance shows within that time, a changed template at once.
	fitFor = 10 * time.Minute
	// longestReason keeps what is remembered far below what a memory takes.
	longestReason = 500
	fitPrefix     = "fit/"

	fit       = "+" // what is remembered of an instance that can take the template
	unfitMark = "-" // of one that cannot, before the reason
)

// Fits remembers which instances can take a template, for all processes, so that a request need not ask each of them.
type Fits struct {
	Memory provider.Memory
}

// Unfit returns why instances cannot take a template; those that can are not in it. Judge is asked about what is not
// remembered. Only what it says of the template is remembered, not that somebody could not be asked.
func (f Fits) Unfit(ctx context.Context, t ohfp.Template, instances []string, judge func(ctx context.Context, name string) error) (map[string]string, error) {
	content, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content)
	prefix := fitPrefix + hex.EncodeToString(sum[:16]) + "/"
	known, failed := f.Memory.RecallPrefix(ctx, prefix)
	unfit := map[string]string{}
	for _, name := range instances {
		verdict, ok := string(known[prefix+name]), len(known[prefix+name]) > 0
		if !ok {
			err := judge(ctx, name)
			verdict = fit
			if err != nil {
				verdict = err.Error()
				verdict = unfitMark + verdict[:min(len(verdict), longestReason)]
			}
			if err == nil || errors.Is(err, ohfp.ErrInvalid) {
				failed = errors.Join(failed, f.Memory.Remember(ctx, prefix+name, []byte(verdict), fitFor))
			}
		}
		if reason, bad := strings.CutPrefix(verdict, unfitMark); bad {
			unfit[name] = reason
		}
	}
	return unfit, failed
}
