package fakehf

import "time"

// ParseRequested reads and checks the answer of requestMachines and of requestReturnMachines.
func ParseRequested(out []byte) (Requested, error) {
	c := &checker{}
	top := c.one(out)
	if top.raw == nil {
		return Requested{}, c.err()
	}
	top.only("message", "requestId")
	return Requested{Message: top.text("message"), RequestID: top.filled("requestId")}, c.err()
}

// ParseReturnRequests reads and checks the answer of getReturnRequests.
func ParseReturnRequests(out []byte) (ReturnRequests, error) {
	c := &checker{}
	top := c.one(out)
	if top.raw == nil {
		return ReturnRequests{}, c.err()
	}
	top.only("status", "message", "requests")
	top.oneOf("status", "complete")
	answer := ReturnRequests{Message: top.text("message")}
	seen := map[string]bool{}
	for _, f := range top.list("requests") {
		f.only("machine", "gracePeriod")
		r := ReturnRequest{Machine: f.filled("machine"), Grace: time.Duration(f.whole("gracePeriod")) * time.Second}
		if r.Grace < 0 || r.Grace > 7*24*time.Hour {
			f.fail(f.path+".gracePeriod", "is %s, want seconds from now", r.Grace)
		}
		if seen[r.Machine] {
			f.fail(f.path, "lists %s twice", r.Machine)
		}
		seen[r.Machine] = true
		answer.Requests = append(answer.Requests, r)
	}
	return answer, c.err()
}

// ParseRefusal reads and checks what a call that failed prints: a message and nothing else.
func ParseRefusal(out []byte) (message string, err error) {
	c := &checker{}
	top := c.one(out)
	if top.raw == nil {
		return "", c.err()
	}
	top.only("message")
	return top.filled("message"), c.err()
}
