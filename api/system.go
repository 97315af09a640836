package api

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
