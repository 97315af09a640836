package setup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// Inventory is what an account has.
type Inventory = provider.Inventory

// Form asks a person line by line. An empty line takes what stands in brackets.
type Form struct {
	In  *bufio.Reader
	Out io.Writer
}

// Ask asks until the answer passes the check.
func (f Form) Ask(question, otherwise string, check func(answer string) error) (string, error) {
	for {
		prompt := question
		if otherwise != "" {
			prompt += " [" + otherwise + "]"
		}
		if _, err := fmt.Fprint(f.Out, prompt+": "); err != nil {
			return "", err
		}
		line, err := f.In.ReadString('\n')
		if err != nil && line == "" {
			return "", ohfp.Errorf(ohfp.ErrInvalid, "the answers ended; nothing was written")
		}
		answer := strings.TrimSpace(line)
		if answer == "" {
			answer = otherwise
		}
		if check == nil {
			return answer, nil
		}
		problem := check(answer)
		if problem == nil {
			return answer, nil
		}
		if _, err := fmt.Fprintln(f.Out, "  "+problem.Error()); err != nil {
			return "", err
		}
	}
}

// Agree asks for a yes or a no.
func (f Form) Agree(question string, otherwise bool) (bool, error) {
	usual := map[bool]string{true: "yes", false: "no"}[otherwise]
	answer, err := f.Ask(question, usual, func(answer string) error {
		if !slices.Contains([]string{"y", "yes", "n", "no"}, strings.ToLower(answer)) {
			return errors.New("answer yes or no")
		}
		return nil
	})
	return strings.HasPrefix(strings.ToLower(answer), "y"), err
}

// Pick lets choose some of a list by number or id, separated by commas or blanks.
func (f Form) Pick(what string, from []provider.Resource, otherwise []string) ([]string, error) {
	for i, r := range from {
		line := fmt.Sprintf("  %2d  %s", i+1, r.ID)
		for _, more := range []string{r.Name, r.Details["zone"], r.Details["vpc"], r.Details["cidr"]} {
			if more != "" {
				line += "  " + more
			}
		}
		if free := r.Details["freeAddresses"]; free != "" {
			line += "  " + free + " free"
		}
		if _, err := fmt.Fprintln(f.Out, line); err != nil {
			return nil, err
		}
	}
	var chosen []string
	_, err := f.Ask(what+", by number or id", strings.Join(otherwise, ","), func(answer string) error {
		chosen = nil
		for _, word := range strings.FieldsFunc(answer, func(r rune) bool { return r == ',' || r == ' ' }) {
			if n, err := strconv.Atoi(word); err == nil {
				if n < 1 || n > len(from) {
					return fmt.Errorf("%d is not in the list; use 1 to %d", n, len(from))
				}
				word = from[n-1].ID
			} else if !strings.Contains(word, "-") {
				return fmt.Errorf("%q is neither a number of the list nor an id", word)
			}
			if !slices.Contains(chosen, word) {
				chosen = append(chosen, word)
			}
		}
		if len(chosen) == 0 {
			return errors.New("choose at least one")
		}
		return nil
	})
	return chosen, err
}

// Fill asks for everything that an Init can be told.
func (f Form) Fill(in *Init, discover func(*Init) (provider.Inventory, error)) error {
	var err error
	ask := func(question string, field *string, check func(string) error) {
		if err == nil {
			*field, err = f.Ask(question, *field, check)
		}
	}
	ask("AWS region", &in.Region, needed("a region, for example us-east-1"))
	ask("AWS profile (empty: environment or instance role)", &in.Profile, nil)
	ask("name of the provider instance", &in.Name, func(answer string) error {
		if !ohfp.TemplateID(answer).WellFormed() {
			return errors.New("use 1 to 64 of the characters 0-9 A-Z a-z _ -")
		}
		return nil
	})
	if err != nil {
		return err
	}
	found, problem := discover(in)
	if problem != nil {
		if _, err := fmt.Fprintln(f.Out, "  the account could not be looked at: "+problem.Error()); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintf(f.Out, "  as %s in %s\n", found.Identity, found.Region); err != nil {
		return err
	}
	in.Choose(found)
	if in.Subnets, err = f.Pick("subnets", of("subnet", found), in.Subnets); err != nil {
		return err
	}
	if in.SecurityGroups, err = f.Pick("security groups", of("security-group", found), in.SecurityGroups); err != nil {
		return err
	}
	ask("image (empty: the newest Amazon Linux 2023)", &in.Image, nil)
	templates := strings.Join(in.Templates, ",")
	ask("example templates", &templates, needed("at least one"))
	in.Templates = strings.Split(strings.ReplaceAll(templates, " ", ""), ",")
	ask("configuration directory", &in.ConfDir, needed("a directory"))
	return err
}

func needed(what string) func(string) error {
	return func(answer string) error {
		if answer == "" {
			return errors.New("give " + what)
		}
		return nil
	}
}

func of(kind string, found provider.Inventory) []provider.Resource {
	var list []provider.Resource
	for _, r := range found.Resources {
		if r.Kind == kind {
			list = append(list, r)
		}
	}
	return list
}
