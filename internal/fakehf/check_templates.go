package fakehf

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var templateID = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)

// ParseTemplates reads and checks the answer of getAvailableTemplates.
func ParseTemplates(out []byte) (Templates, error) {
	c := &checker{}
	top := c.one(out)
	if top.raw == nil {
		return Templates{}, c.err()
	}
	top.only("message", "templates")
	answer := Templates{Message: top.text("message")}
	seen := map[string]bool{}
	for _, f := range top.list("templates") {
		t := template(f)
		if seen[t.ID] {
			c.fail(f.path, "lists template %s twice", t.ID)
		}
		seen[t.ID] = true
		answer.Templates = append(answer.Templates, t)
	}
	if len(answer.Templates) == 0 {
		c.fail("answer.templates", "is empty: Host Factory drops such a provider for good")
	}
	return answer, c.err()
}

func template(f fields) Template {
	t := Template{ID: f.text("templateId"), MaxNumber: int(f.whole("maxNumber")), Fields: map[string]any{}}
	if !templateID.MatchString(t.ID) {
		f.fail(f.path+".templateId", "is %q, want 1 to 64 of 0-9 A-Z a-z _ -", t.ID)
	}
	if t.MaxNumber != -1 && (t.MaxNumber < 1 || t.MaxNumber > 10_000) {
		f.fail(f.path+".maxNumber", "is %d, want -1 or 1 to 10000", t.MaxNumber)
	}
	t.Attributes = attributes(f)
	for key, raw := range f.raw {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			f.fail(f.path+"."+key, "is no JSON: %v", err)
		}
		if key != "templateId" && key != "maxNumber" && key != "attributes" {
			t.Fields[key] = value
		}
	}
	if f.has("availableNumber") {
		f.whole("availableNumber")
	}
	if f.has("onDemandCapacity") {
		f.whole("onDemandCapacity")
	}
	if f.has("instanceTags") {
		tags(f)
	}
	f.maybe("pgrpName")
	if f.has("vmTypes") && !f.null("vmTypes") {
		types := f.object(f.path+".vmTypes", f.raw["vmTypes"])
		for name := range types.raw {
			types.whole(name)
		}
	}
	return t
}

func tags(f fields) {
	text := f.text("instanceTags")
	for tag := range strings.SplitSeq(text, ";") {
		if text != "" && !strings.Contains(tag, "=") {
			f.fail(f.path+".instanceTags", "is %q, want k=v;k=v", text)
		}
	}
}

// attributes reads the pairs of type and value. The requestor multiplies ncores by ncpus and passes over a template that
// lacks either, so all four are required.
func attributes(f fields) map[string]Attribute {
	out := map[string]Attribute{}
	object := f.object(f.path+".attributes", f.raw["attributes"])
	for _, key := range []string{"type", "ncpus", "nram", "ncores"} {
		if !object.has(key) {
			f.fail(object.path, "lacks %s", key)
		}
	}
	for key, raw := range object.raw {
		var pair []string
		if json.Unmarshal(raw, &pair) != nil || len(pair) != 2 || !slices.Contains([]string{"String", "Numeric", "Boolean"}, pair[0]) {
			f.fail(object.path+"."+key, `is %s, want a pair like ["Numeric", "4"]`, clip(raw))
			continue
		}
		out[key] = Attribute{Type: pair[0], Value: pair[1]}
		number, err := strconv.ParseFloat(pair[1], 64)
		if pair[0] == "Numeric" && (err != nil || number < 0) {
			f.fail(object.path+"."+key, "is numeric and has the value %q", pair[1])
		}
	}
	for _, key := range []string{"ncpus", "nram", "ncores"} {
		if a, ok := out[key]; ok && (a.Type != "Numeric" || a.Value == "0") {
			f.fail(object.path+"."+key, "is %s %q, want a number above 0", a.Type, a.Value)
		}
	}
	if a, ok := out["type"]; ok && (a.Type != "String" || a.Value == "") {
		f.fail(object.path+".type", "is %s %q, want a string", a.Type, a.Value)
	}
	return out
}
