package api

// Problem is why a call failed, as RFC 9457 has it.
type Problem struct {
	Type   string   `json:"type" doc:"Where the code is explained"`
	Title  string   `json:"title" doc:"The status in words"`
	Status int      `json:"status" doc:"The HTTP status"`
	Code   string   `json:"code" doc:"What kind of failure it is" example:"not_found"`
	Detail string   `json:"detail" doc:"One sentence: what is wrong and what to do"`
	Retry  bool     `json:"retry" doc:"Whether the same call may succeed later without anybody changing anything"`
	Errors []Defect `json:"errors,omitempty" doc:"What is wrong with which part of the input"`
}

// Defect is one thing that is wrong with the input.
type Defect struct {
	Location string `json:"location,omitempty" doc:"For example body.count"`
	Message  string `json:"message"`
}
