package awsapi

// call is a call to EC2 as far as its rate goes.
type call struct {
	operation string
	region    string // of EC2; empty for calls that EC2's limits do not hold for
	priority  Priority
	cost
}

// cost is what a call costs besides itself.
type cost struct {
	machines int    // that it launches or ends
	token    string // of a launch, which pays once however often it is repeated
}

// perMachine ends the names of buckets that machines are taken from.
const perMachine = ":machines"

func machinesOf(operation string) string { return operation + perMachine }

// need is what a call takes from one bucket.
type need struct {
	bucket  string
	tokens  float64
	token   string  // of a launch, which pays once
	reserve float64 // the part of the bucket that is left to more urgent calls
}

// needs is what a call takes from the bucket of its operation and, when it launches or ends machines, from theirs.
func (c call) needs() []need {
	var needs []need
	if machineLimit(c.operation).Limited() && c.machines > 0 {
		needs = append(needs, need{bucket: machinesOf(c.operation), tokens: float64(c.machines), token: short(c.token)})
	}
	n := need{bucket: c.operation, tokens: 1}
	if shared(c.operation) {
		n.reserve = c.priority.reserve()
	}
	return append(needs, n)
}

// short is enough of a token to tell launches apart.
func short(token string) string { return token[:min(len(token), 16)] }
