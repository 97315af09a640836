// Package access says who may do what: the roles, the one table of operations that every face obeys, and the callers that
// faces have recognised.
// It refuses to carry anything out, and to tell one face's callers from another's.
package access

import (
	"strings"

	"github.com/openhostfactory/ohfp"
)

// Role is what a caller may do. Each role may do what the one before it may.
type Role string

// The roles.
const (
	Viewer   Role = "viewer"   // looks, and changes nothing
	Operator Role = "operator" // asks for machines and gives them back
	Admin    Role = "admin"    // changes what others may ask for and how the program works
)

// Roles lists the roles, the least first.
func Roles() []Role { return []Role{Viewer, Operator, Admin} }

// rank orders roles; an unknown role may do nothing.
func (r Role) rank() int {
	for i, known := range Roles() {
		if r == known {
			return i + 1
		}
	}
	return 0
}

// Covers says whether r may do what least may.
func (r Role) Covers(least Role) bool { return least.rank() > 0 && r.rank() >= least.rank() }

// ParseRole reads a role.
func ParseRole(text string) (Role, error) {
	if r := Role(strings.ToLower(text)); r.rank() > 0 {
		return r, nil
	}
	return "", ohfp.Errorf(ohfp.ErrInvalid, "role %q does not exist; use viewer, operator or admin", text)
}
