package archtest

import (
	"fmt"
	"strings"
)

// The lines in .golangci.yml between which the table is repeated.
const (
	depguardBegin = "        # import rules: begin (written by `make generate` from internal/archtest/rules.go)\n"
	depguardEnd   = "        # import rules: end\n"
)

// lineWidth is where a list in .golangci.yml is wrapped.
const lineWidth = 140

// Depguard writes the rules as golangci-lint's depguard linter reads them, so that an editor shows a forbidden import while
// it is typed. What depguard cannot say (Never, Test) stays with Check.
func Depguard(module string, rules []Rule) string {
	var out strings.Builder
	for _, rule := range rules {
		name, files := rule.Package, rule.Package+"/*.go"
		switch parent, below := strings.CutSuffix(rule.Package, "/..."); {
		case rule.Package == ".":
			name, files = "domain", "*.go"
		case below:
			name, files = parent, parent+"/**.go"
		}
		allow := []string{"$gostd"}
		for _, pattern := range rule.packages() {
			allow = append(allow, depguardPrefixes(module, pattern)...)
		}
		allow = append(allow, rule.libraries()...)

		fmt.Fprintf(&out, "        %s:\n", name)
		out.WriteString("          list-mode: strict\n")
		fmt.Fprintf(&out, "          files: [\"${config-path}/%s\", \"!$test\"]\n", files)
		out.WriteString(wrapped("          allow: [", allow, "]\n"))
	}
	return out.String()
}

// depguardPrefixes translates a pattern: depguard compares prefixes, and a final "$" asks for the exact path.
func depguardPrefixes(module, pattern string) []string {
	if pattern == "." {
		return []string{module + "$"}
	}
	if parent, ok := strings.CutSuffix(pattern, "/..."); ok {
		return []string{module + "/" + parent + "$", module + "/" + parent + "/"}
	}
	return []string{module + "/" + pattern + "$"}
}

// wrapped joins items by commas and continues below the first one when a line is full.
func wrapped(opening string, items []string, closing string) string {
	var out strings.Builder
	line := opening + items[0]
	for _, item := range items[1:] {
		if len(line)+len(", ")+len(item) > lineWidth {
			out.WriteString(line + ",\n")
			line = strings.Repeat(" ", len(opening)) + item
			continue
		}
		line += ", " + item
	}
	return out.String() + line + closing
}

// replaceDepguard puts the rendered rules between the two marks of a .golangci.yml.
func replaceDepguard(config, rendered string) (string, error) {
	before, rest, ok := strings.Cut(config, depguardBegin)
	if !ok {
		return "", fmt.Errorf("no line %q", strings.TrimSpace(depguardBegin))
	}
	_, after, ok := strings.Cut(rest, depguardEnd)
	if !ok {
		return "", fmt.Errorf("no line %q", strings.TrimSpace(depguardEnd))
	}
	return before + depguardBegin + rendered + depguardEnd + after, nil
}
