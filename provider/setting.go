package provider

// Setting is one of a provider type's own settings, for documentation and for the schema of configuration files. The
// provider itself decodes them; this only describes them.
type Setting struct {
	Name        string // words joined by dots; <…> for a name that the operator chooses
	Kind        Kind
	Default     string   // as an operator would write it, empty when there is none
	Words       []string // the only values, if they are a few words
	Description string   // sentences
	Secret      bool     // the value is shown to nobody
}

// Kind is what sort of value a setting has.
type Kind string

// The kinds of values.
const (
	KindText     Kind = "text"
	KindTruth    Kind = "truth"
	KindCount    Kind = "count"  // a whole number
	KindAmount   Kind = "amount" // a number
	KindDuration Kind = "duration"
)
