package store

import "github.com/openhostfactory/ohfp"

// UnknownTemplate is the version of a template that must not be in the store yet.
const UnknownTemplate = -1

// NextTemplate is a template as it is stored over what the store has under its id, or [ohfp.ErrConflict].
func NextTemplate(t, was ohfp.Template, exists bool) (ohfp.Template, error) {
	switch {
	case exists && t.Version == UnknownTemplate:
		return t, ohfp.Errorf(ohfp.ErrConflict, "template %s exists already; update it instead", t.ID)
	case !exists && t.Version > 0:
		return t, ohfp.Errorf(ohfp.ErrConflict, "template %s was deleted by somebody else; create it anew", t.ID)
	case t.Version > 0 && t.Version != was.Version:
		return t, ohfp.Errorf(ohfp.ErrConflict, "template %s was changed by somebody else; read it again", t.ID)
	}
	t = CopyTemplate(t)
	t.Version = was.Version + 1
	return t, nil
}
