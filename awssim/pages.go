package awssim

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

type pageInput struct {
	MaxResults *int   `query:"MaxResults"`
	NextToken  string `query:"NextToken"`
}

// page admits the items of one page. Positions grow with every item of the collection and stay with it, so that a token
// goes on in the right place although items came and went in between.
type page struct {
	after  int
	limit  int
	count  int
	last   int
	more   bool
	digest string
}

// page reads where the page starts. Without MaxResults everything that is left comes at once.
func (in pageInput) page(call *call, smallest, largest int) (*page, error) {
	p := &page{digest: digest(call.form, "NextToken", "MaxResults", "MaxRecords", "DryRun")[:16]}
	if in.MaxResults != nil {
		if p.limit = *in.MaxResults; p.limit < smallest || p.limit > largest {
			return nil, invalidValue(p.limit, "MaxResults", fmt.Sprintf("Expecting a value from %d to %d.", smallest, largest))
		}
	}
	if in.NextToken == "" {
		return p, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(in.NextToken)
	position, of, _ := strings.Cut(string(text), " ")
	if err == nil {
		p.after, err = strconv.Atoi(position)
	}
	if err != nil || p.after < 0 {
		return nil, errorf("InvalidNextToken", "The specified NextToken is not valid")
	}
	if of != p.digest {
		return nil, errorf("InvalidNextToken", "The specified NextToken belongs to a call with other parameters")
	}
	return p, nil
}

// pageOf is page for calls whose pages have a size also when the caller names none.
func (in pageInput) pageOf(call *call, smallest, largest, otherwise int) (*page, error) {
	if in.MaxResults == nil {
		in.MaxResults = &otherwise
	}
	return in.page(call, smallest, largest)
}

// admit reports whether the item at position belongs on this page. Callers offer matching items in order of position.
func (p *page) admit(position int) bool {
	if position <= p.after || p.more {
		return false
	}
	if p.limit > 0 && p.count == p.limit {
		p.more = true
		return false
	}
	p.count++
	p.last = position
	return true
}

// next is the token of the following page, empty when there is none.
func (p *page) next() string {
	if !p.more {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(p.last) + " " + p.digest))
}
