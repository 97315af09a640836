package api

import "time"

// Health is how the program is that serves.
type Health struct {
	Status  string `json:"status" enum:"healthy,unhealthy" doc:"Whether the program does its work"`
	Service string `json:"service"`
	Version string `json:"version"`
	Ready   bool   `json:"ready" doc:"It has looked once at everything that it follows"`
	Live    bool   `json:"live" doc:"Its loop goes round"`
}

// Info is what serves, and as whom it takes its caller.
type Info struct {
	Service     string `json:"service"`
	Version     string `json:"version"`
	Description string `json:"description"`
	AuthEnabled bool   `json:"authEnabled" doc:"Whether calls need a token"`
	Caller      string `json:"caller,omitempty" doc:"As whom this call was recognised"`
	Role        string `json:"role" doc:"What this caller may do"`
}

// SystemStatus is how the program is that answers.
type SystemStatus struct {
	Ready     bool      `json:"ready" doc:"It has looked once at everything that it follows"`
	Live      bool      `json:"live" doc:"Its loop goes round"`
	PID       int       `json:"pid"`
	Version   string    `json:"version"`
	StartedAt time.Time `json:"startedAt"`
	Conf      string    `json:"configurationDirectory"`
	Work      string    `json:"workDirectory"`
	Rounds    int       `json:"rounds" doc:"Looks that have ended"`
	LookedAt  time.Time `json:"lookedAt,omitzero" doc:"When the last one ended"`
	DrivenAt  time.Time `json:"drivenAt,omitzero" doc:"When the last one without a problem ended"`
	UnderWay  bool      `json:"underWay" doc:"Whether a request is not settled"`
	Problem   string    `json:"problem,omitempty" doc:"What the last look could not do"`
}

// Reloaded is what reading the configuration again has brought.
type Reloaded struct {
	Changed   []string `json:"changed" doc:"Settings that are different now"`
	Restart   []string `json:"restart" doc:"Settings that differ in the files and take effect when the program is started again"`
	Templates int      `json:"templates" doc:"How many templates there are"`
	Problems  []string `json:"problems" doc:"What is wrong with templates; those that were read before stay"`
}
