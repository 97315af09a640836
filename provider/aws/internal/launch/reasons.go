package launch

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider/aws/internal/capacity"
)

// How far back reasons are of interest, and how many pages of a history are read for them: of a Spot Fleet it also tells
// every launch, 1000 a page.
const (
	reasonsOf = time.Hour
	maxPages  = 5
)

var (
	// EC2's own code is in the middle of a sentence, in one of three forms: "… (Error Code: X)", "… => X: …" and, in
	// scaling activities, "X - …" or "… X: …".
	codeInside = regexp.MustCompile(`Error Code: ([A-Z][A-Za-z.]+)|(?:^|=> |[.:] )([A-Z][a-z]+[A-Z][A-Za-z.]*[A-Za-z])(?: - |: )`)
	typeInside = regexp.MustCompile(`\b[a-z][a-z0-9-]*[0-9][a-z0-9-]*\.(?:[0-9]*x?large|medium|small|micro|nano|metal(?:-[0-9a-z]+)?)\b`)
	zoneInside = regexp.MustCompile(`\b[a-z]{2}(?:-[a-z]+)+-[0-9][a-z]\b`)
	spotInside = regexp.MustCompile(`(?i)\bspot\b`)
)

// reasonsSince is from when on the history of a fleet is read.
func (p Parts) reasonsSince(s Standing) time.Time {
	if since := p.Now().Add(-reasonsOf); since.After(s.Since) {
		return since
	}
	return s.Since
}

// reasons gathers what a history tells, newest first, each code once. What names no cause comes last: fleets say of
// themselves only that all of their pools failed.
type reasons struct {
	parts         Parts
	told, general []ohfp.Failure
	codes         map[string]bool
}

func (r *reasons) failures() []ohfp.Failure {
	all := slices.Concat(r.told, r.general)
	return all[:min(len(all), maxReasons)]
}

// add takes an event: when it was, its kind and what it says. A shortage is written down for launches to come.
func (r *reasons) add(ctx context.Context, at time.Time, kind, words string, lifecycle ohfp.Lifecycle) {
	f := ohfp.Failure{Code: kind, Message: words}
	list := &r.general
	if inside := codeInside.FindStringSubmatch(words); inside != nil {
		f.Code, list = inside[1]+inside[2], &r.told
	}
	o := capacity.Offering{Type: typeInside.FindString(words), Zone: zoneInside.FindString(words), Lifecycle: lifecycle}
	if o.Type != "" && o.Zone != "" {
		f.Offering = o.String()
		if age := r.parts.Now().Sub(at); age < capacity.ShortFor {
			// A shortage that cannot be remembered only costs another try.
			_ = r.parts.Board.Mark(ctx, o, f.Code)
		}
	}
	if r.codes == nil {
		r.codes = map[string]bool{}
	}
	if !r.codes[f.Code] {
		r.codes[f.Code] = true
		*list = append(*list, f)
	}
}

// lifecycleOf guesses how the machines were to be paid for that an event is about: it says so, or the resource wants one
// kind only.
func lifecycleOf(words string, wanted ohfp.Target) ohfp.Lifecycle {
	switch {
	case wanted.Spot == 0:
		return ohfp.OnDemand
	case wanted.OnDemand == 0 || spotInside.MatchString(words):
		return ohfp.Spot
	default:
		return ohfp.OnDemand
	}
}
