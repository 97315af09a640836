package ohfp

// Action is one thing that the engine must do next. The types below are all there are.
type Action interface{ action() }

// Resume repeats the stored call of an attempt whose outcome is unknown, byte for byte with its token.
type Resume struct{ Attempt int }

// Settle records that the call of an attempt was never carried out, or brought only what the cloud has shown since.
type Settle struct{ Attempt int }

// Launch prepares, stores and calls a new attempt.
type Launch struct {
	Count    int  // machines or units
	Fallback bool // in the template's other way, since a resource has yielded
}

// Move lets one of the request's fallbacks launch what its provider has refused.
type Move struct{}

// Yield gives up the unfilled rest of a resource that launches by itself, so that it can be asked for in the template's
// other way.
type Yield struct{ Attempt int }

// Retarget lowers the targets of resources that launch by themselves, so that they launch no more than is wanted.
type Retarget struct{ Targets []ResourceTarget }

// Stop stores the decision how the request will end, before anything is released.
type Stop struct {
	Verdict Status
	Because Reason
	Message string
}

// Terminate stores the intent to end these machines, then orders the cloud to.
type Terminate struct {
	Machines []MachineID
	Reason   Reason
}

// Finish moves the request to its terminal status.
type Finish struct {
	Status  Status
	Message string
}

// Retire removes a fleet or group that has outlived its machines. The provider refuses while it shows one alive.
type Retire struct {
	Attempt  int
	Resource string
}

// Clear drives the requests whose machines a finished return has ended, so that they leave nothing behind.
type Clear struct{ Requests []RequestID }

func (Move) action()      {}
func (Resume) action()    {}
func (Settle) action()    {}
func (Launch) action()    {}
func (Yield) action()     {}
func (Retarget) action()  {}
func (Stop) action()      {}
func (Terminate) action() {}
func (Finish) action()    {}
func (Retire) action()    {}
func (Clear) action()     {}
