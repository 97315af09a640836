package aws

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/openhostfactory/ohfp"
)

// confirmPortion is how many machines are asked for by id in one call. They are few: those that ended more than an hour
// ago without anybody looking, and new ones that EC2 does not show yet.
const confirmPortion = 100

// confirmAbsent makes sure of machines that no listing showed. A listing that comes back empty by mistake looks like an
// account without machines; asked for a machine by its id, EC2 shows it or says that it does not exist. Any other answer
// is none.
func (p *Provider) confirmAbsent(ctx context.Context, l *look, ids []string) error {
	queue := slices.Collect(slices.Chunk(ids, confirmPortion))
	for len(queue) > 0 {
		group := queue[0]
		queue = queue[1:]
		out, err := p.api.DescribeInstances(ctx, &ec2.DescribeInstancesInput{InstanceIds: group})
		if err == nil {
			for _, reservation := range out.Reservations {
				for _, instance := range reservation.Instances {
					l.add([]ohfp.Machine{p.reader.Machine(instance, text(reservation.ReservationId))})
				}
			}
			if i := slices.IndexFunc(group, func(id string) bool { return !l.seen[ohfp.MachineID(id)] }); i >= 0 {
				return ohfp.Errorf(ohfp.ErrUnavailable, "EC2 neither shows machine %s nor says that it does not exist; its answer is not believed", group[i])
			}
			continue
		}
		if !isUnknown(err) {
			return err
		}
		absent := namedIn(err, group)
		rest := slices.DeleteFunc(slices.Clone(group), func(id string) bool { return slices.Contains(absent, id) })
		switch {
		case len(rest) == 0:
		case len(absent) > 0:
			queue = append(queue, rest)
		default: // EC2 does not say which
			queue = append(queue, group[:len(group)/2], group[len(group)/2:])
		}
	}
	return nil
}
