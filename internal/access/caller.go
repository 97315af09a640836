package access

import (
	"fmt"

	"github.com/openhostfactory/ohfp"
)

// Caller is somebody whom a face has recognised.
type Caller struct {
	Name string // as audit and events tell; empty when the face does not know
	Face string // hostfactory, cli, rest or mcp
	By   Proof  // what tells that it is them
	Role Role
}

// Proof is what tells who somebody is.
type Proof string

// The proofs.
const (
	ByPlace       Proof = ""            // nothing but that they are on this machine
	ByToken       Proof = "token"       // made by this program
	ByJWT         Proof = "jwt"         // signed with a key that is configured
	ByOIDC        Proof = "oidc"        // signed by an issuer that is configured
	ByCertificate Proof = "certificate" // checked by TLS
)

// Origin is the caller as requests and events record it.
func (c Caller) Origin() ohfp.Origin { return ohfp.Origin{Face: c.Face, Caller: c.Name} }

// Refusal is that a caller may not do something. It is [ohfp.ErrDenied], and unlike a cloud's denial it is about the
// caller, not about the identity of this program.
type Refusal struct {
	Caller    Caller
	Operation Operation
	Least     Role // what it takes; empty when nobody may
}

// Error says what it takes.
func (r *Refusal) Error() string {
	who := "this caller"
	if r.Caller.Name != "" {
		who = r.Caller.Name
	}
	if r.Least == "" {
		return fmt.Sprintf("operation %s does not exist; %s was refused", r.Operation, who)
	}
	return fmt.Sprintf("%s needs the role %s, and %s has %s; ask an administrator for it", r.Operation, r.Least, who, r.Caller.role())
}

func (c Caller) role() string {
	if c.Role == "" {
		return "none"
	}
	return string(c.Role)
}

// Unwrap is the kind.
func (r *Refusal) Unwrap() error { return ohfp.ErrDenied }

// May refuses what the caller's role does not cover. What the table does not know nobody may do.
func (c Caller) May(op Operation) error {
	rule, ok := RuleOf(op)
	if ok && c.Role.Covers(rule.Role) {
		return nil
	}
	return &Refusal{Caller: c, Operation: op, Least: rule.Role}
}
