package store

// Inspection is what a store is and holds. Counting takes time that grows with the store: it is for people who look, not
// for every call.
type Inspection struct {
	Strategy  string `json:"strategy"`         // memory, json, sql or dynamodb
	Engine    string `json:"engine,omitempty"` // of sql: sqlite or postgres
	Place     string `json:"place"`            // where it is, without secrets
	Schema    int    `json:"schema"`           // the number of how records are laid out
	Requests  int    `json:"requests"`
	Unsettled int    `json:"unsettled"` // requests of which something is left to do
	Machines  int    `json:"machines"`
	Live      int    `json:"liveMachines"` // machines that are not gone
	Templates int    `json:"templates"`    // of the store's own
	Events    int    `json:"events"`
	Sequence  int64  `json:"newestSequence"` // of the newest event
	Bytes     int64  `json:"bytes"`          // what it takes, with its indexes
}
