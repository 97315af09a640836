package templates

import (
	"fmt"
	"strings"

	"github.com/openhostfactory/ohfp"
)

// Problem is something wrong with a template or a file of templates, in words for people.
type Problem struct {
	File     string          // empty: in the store
	Line     int             // 0: not known
	Index    int             // the template's place in the file, from 0; -1: the file as a whole
	Template ohfp.TemplateID // empty: not known, or the file as a whole
	Key      string          // the field at fault, empty when not known
	Text     string
}

// String is the problem with its place in front.
func (p Problem) String() string {
	var where []string
	switch {
	case p.File != "" && p.Line > 0:
		where = append(where, fmt.Sprintf("%s:%d", p.File, p.Line))
	case p.File != "" && !strings.HasPrefix(p.Text, p.File):
		where = append(where, p.File)
	}
	switch {
	case p.Template == "" && p.File != "" && p.Line > 0 && p.Index >= 0:
		where = append(where, fmt.Sprintf("templates[%d]", p.Index))
	case p.Template != "" && !strings.Contains(p.Text, "template "+string(p.Template)) && !strings.Contains(p.Text, `"`+string(p.Template)+`"`):
		where = append(where, "template "+string(p.Template))
	}
	return strings.Join(append(where, p.Text), ": ")
}
