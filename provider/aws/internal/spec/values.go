package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// list is written as a list of texts, or as one text with commas.
type list []string

func (l *list) UnmarshalJSON(data []byte) error {
	var one string
	var many []string
	if err := json.Unmarshal(data, &one); err == nil {
		many = []string{one}
	} else if err := json.Unmarshal(data, &many); err != nil {
		return ohfp.Errorf(ohfp.ErrInvalid, "want text, or a list of texts")
	}
	*l = nil
	for _, text := range many {
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" && !slices.Contains(*l, part) {
				*l = append(*l, part)
			}
		}
	}
	return nil
}

// Weights are numbers by machine type, in the order in which they are written.
type Weights []Weight

// Weight is one of them.
type Weight struct {
	Name   string
	Weight int
}

// UnmarshalJSON reads an object and keeps its order.
func (w *Weights) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	opening, err := decoder.Token()
	if err != nil || opening != json.Delim('{') {
		return ohfp.Errorf(ohfp.ErrInvalid, `want an object like {"c5.large": 1}`)
	}
	*w = nil
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return fmt.Errorf("machine type: %w", err)
		}
		entry := Weight{Name: fmt.Sprint(name)}
		if err := decoder.Decode(&entry.Weight); err != nil {
			return ohfp.Errorf(ohfp.ErrInvalid, "the number of %s is not a whole one", entry.Name)
		}
		if slices.ContainsFunc(*w, func(other Weight) bool { return other.Name == entry.Name }) {
			return ohfp.Errorf(ohfp.ErrInvalid, "%s is listed twice", entry.Name)
		}
		*w = append(*w, entry)
	}
	return nil
}

// Price is in US dollars an hour, in text form as EC2 wants it; empty is none.
type Price string

// UnmarshalJSON reads a number, or one in quotes.
func (p *Price) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	value, err := strconv.ParseFloat(text, 64)
	// EC2 refuses prices of 0.001 and less.
	if err != nil || value <= 0.001 || value > 1e6 {
		return ohfp.Errorf(ohfp.ErrInvalid, "%s is not a price; write dollars an hour above 0.001, like 0.05", data)
	}
	*p = Price(strconv.FormatFloat(value, 'f', -1, 64))
	return nil
}

// version is a number, $Latest or $Default.
type version string

func (v *version) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if n, err := strconv.Atoi(text); text != "$Latest" && text != "$Default" && (err != nil || n < 1) {
		return ohfp.Errorf(ohfp.ErrInvalid, "%s is not a version; write $Latest, $Default or a number from 1", data)
	}
	*v = version(text)
	return nil
}

// strategy is an allocation strategy in IBM's spelling (lowestPrice) or EC2's (lowest-price), kept in EC2's.
type strategy string

func (s *strategy) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return ohfp.Errorf(ohfp.ErrInvalid, "want text in quotes")
	}
	var spelled strings.Builder
	for _, r := range text {
		if r >= 'A' && r <= 'Z' {
			spelled.WriteByte('-')
			r += 'a' - 'A'
		}
		spelled.WriteRune(r)
	}
	*s = strategy(spelled.String())
	return nil
}

// Tag is a key and a value.
type Tag struct{ Key, Value string }

// Tags are the operator's own, sorted by key.
type Tags []Tag

// UnmarshalJSON reads "k=v;k=v" or an object.
func (t *Tags) UnmarshalJSON(data []byte) error {
	var text string
	var object map[string]string
	*t = nil
	if err := json.Unmarshal(data, &text); err == nil {
		for part := range strings.SplitSeq(text, ";") {
			if strings.TrimSpace(part) == "" {
				continue
			}
			key, value, ok := strings.Cut(part, "=")
			if !ok {
				return ohfp.Errorf(ohfp.ErrInvalid, "%q is not a tag; write key=value;key=value", part)
			}
			*t = append(*t, Tag{strings.TrimSpace(key), strings.TrimSpace(value)})
		}
	} else if err := json.Unmarshal(data, &object); err == nil {
		for key, value := range object {
			*t = append(*t, Tag{key, value})
		}
	} else {
		return ohfp.Errorf(ohfp.ErrInvalid, `want "key=value;key=value", or an object of texts`)
	}
	slices.SortFunc(*t, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	return t.check()
}

// check holds the tags to EC2's limits.
func (t Tags) check() error {
	for i, tag := range t {
		switch lower := strings.ToLower(tag.Key); {
		case tag.Key == "" || len([]rune(tag.Key)) > 128 || len([]rune(tag.Value)) > 256:
			return ohfp.Errorf(ohfp.ErrInvalid, "the tag %q is refused by EC2; use keys of 1 to 128 and values of up to 256 characters", tag.Key)
		case strings.HasPrefix(lower, "ohfp:") || strings.HasPrefix(lower, "aws:"):
			return ohfp.Errorf(ohfp.ErrInvalid, "the tag %s is reserved; use keys that begin with neither ohfp: nor aws:", tag.Key)
		case i > 0 && t[i-1].Key == tag.Key:
			return ohfp.Errorf(ohfp.ErrInvalid, "the tag %s is given twice", tag.Key)
		}
	}
	if len(t) > maxTags {
		return ohfp.Errorf(ohfp.ErrInvalid, "%d tags are too many; use at most %d", len(t), maxTags)
	}
	return nil
}

// String is k=v;k=v.
func (t Tags) String() string {
	parts := make([]string, len(t))
	for i, tag := range t {
		parts[i] = tag.Key + "=" + tag.Value
	}
	return strings.Join(parts, ";")
}
