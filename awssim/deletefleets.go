package awssim

// DeleteFleets takes 25 instant fleets per call, and terminates at most 1,000 instances for them; and 100 others.
const (
	maxDeleteInstant = 25
	maxDeleteKept    = 100
)

type deleteFleetsInput struct {
	FleetIDs           []string `query:"FleetId"`
	TerminateInstances *bool    `query:"TerminateInstances"`
}

type deletedFleetReply struct {
	ID       string `reply:"fleetId"`
	Current  string `reply:"currentFleetState"`
	Previous string `reply:"previousFleetState"`
}

type undeletedFleetReply struct {
	ID    string      `reply:"fleetId"`
	Error reasonReply `reply:"error"`
}

type deleteFleetsReply struct {
	Deleted []deletedFleetReply   `reply:"successfulFleetDeletionSet"`
	Failed  []undeletedFleetReply `reply:"unsuccessfulFleetDeletionSet"`
}

// deleteFleets deletes fleets and terminates what they still have; instant fleets cannot leave instances behind.
func (c *Cloud) deleteFleets(call *call, in *deleteFleetsInput) (any, error) {
	switch {
	case len(in.FleetIDs) == 0:
		return nil, missingParameter("FleetId")
	case in.TerminateInstances == nil:
		return nil, missingParameter("TerminateInstances")
	}
	instant := 0
	for _, id := range in.FleetIDs {
		if f := c.fleet(id); f != nil && f.instant() {
			instant++
		}
	}
	switch {
	case instant > maxDeleteInstant || len(in.FleetIDs)-instant > maxDeleteKept:
		return nil, invalidValue(len(in.FleetIDs), "FleetId", "Expecting at most 25 fleets of type instant and 100 of other types.")
	case instant > 0 && !*in.TerminateInstances:
		return nil, errorf("InvalidParameterValue", "NoTerminateInstances is not supported for fleets of type instant.")
	}
	if err := call.wouldSucceed(); err != nil {
		return nil, err
	}
	var reply deleteFleetsReply
	for _, id := range in.FleetIDs {
		if failed := c.deleteFleet(call, id, *in.TerminateInstances, &reply); failed != nil {
			reply.Failed = append(reply.Failed, undeletedFleetReply{id, *failed})
		}
	}
	return reply, nil
}

func (c *Cloud) deleteFleet(call *call, id string, terminate bool, reply *deleteFleetsReply) *reasonReply {
	f := c.fleet(id)
	if f == nil {
		return &reasonReply{"fleetIdDoesNotExist", "The fleet ID '" + clip(id, 64) + "' does not exist"}
	}
	previous := f.state(call.now)
	if !f.deletedAt.IsZero() {
		return &reasonReply{"fleetNotInDeletableState", "The fleet is in the state " + previous}
	}
	var alive []*instance
	for _, i := range f.made {
		if terminate && i.serves(call.now) {
			alive = append(alive, i)
		}
	}
	if f.instant() && len(alive)+len(call.entry.Terminated) > maxTerminate {
		return &reasonReply{"unexpectedError", "At most 1000 instances are terminated in a request to delete instant fleets; terminate some of them first"}
	}
	f.deletedAt, f.terminates = call.now, terminate
	for _, i := range alive {
		c.terminate(call, i, false)
	}
	f.record(call.now, changeOfFleet, f.state(call.now), "", "")
	reply.Deleted = append(reply.Deleted, deletedFleetReply{id, f.state(call.now), previous})
	return nil
}
