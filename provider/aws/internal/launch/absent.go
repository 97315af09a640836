package launch

import (
	"context"
	"errors"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

// What it means that AWS does not show a resource. One that is new may not show for a while. An older one is gone
//
//   - when AWS refuses to describe it by its id, as EC2 does with fleets and Spot Fleets that it does not know. That an
//     answer leaves one out which was asked for is no way that EC2 has to say so, and is not believed;
//   - when two answers that are some time apart leave out a group. Auto Scaling leaves out names that it does not know,
//     and refuses none. A group is deleted only with its machines or after them, so EC2 must show none of them alive.

const (
	// missAgain is how far apart two answers must be that leave out a group.
	missAgain = time.Minute
	// keepMiss is how long the first of them counts.
	keepMiss = 10 * time.Minute
	// keepGone outlives what most requests are looked at for. After that, the same is found out again.
	keepGone = 30 * 24 * time.Hour
)

func absent(id string, recent bool) Standing {
	return Standing{ResourceFacts: ohfp.ResourceFacts{Resource: id, Gone: !recent}, Unseen: recent}
}

func doubtful(id string, doubt error) Standing {
	return Standing{ResourceFacts: ohfp.ResourceFacts{Resource: id}, Doubt: doubt}
}

// denied is what there is to say of a resource that AWS says it does not know.
func (p Parts) denied(ctx context.Context, id string) Standing {
	recent, err := p.isNew(ctx, id)
	if err != nil {
		return doubtful(id, err)
	}
	return absent(id, recent)
}

// omittedFleet is what there is to say of a fleet or Spot Fleet that an answer leaves out.
func (p Parts) omittedFleet(ctx context.Context, id string) Standing {
	recent, err := p.isNew(ctx, id)
	switch {
	case err != nil:
		return doubtful(id, err)
	case recent:
		return absent(id, true)
	}
	switch _, removed, err := p.Memory.Recall(ctx, p.goneKey(id)); {
	case err != nil:
		return doubtful(id, err)
	case removed:
		return absent(id, false)
	}
	return doubtful(id, notBelieved("EC2", id))
}

// omittedGroup is what there is to say of a group that an answer leaves out.
func (p Parts) omittedGroup(ctx context.Context, tag, name string) Standing {
	recent, err := p.isNew(ctx, name)
	switch {
	case err != nil:
		return doubtful(name, err)
	case recent:
		return absent(name, true)
	}
	key := p.Prefix + "missed/" + name
	_, gone, err := p.Memory.Recall(ctx, p.goneKey(name))
	known, missed, err2 := p.Memory.Recall(ctx, key)
	var at time.Time
	switch {
	case errors.Join(err, err2) != nil:
		return doubtful(name, errors.Join(err, err2))
	case gone:
		return absent(name, false)
	case !missed || at.UnmarshalText(known) != nil:
		first, err := p.Now().UTC().MarshalText()
		if err == nil {
			err = p.Memory.Remember(ctx, key, first, keepMiss)
		}
		return doubtful(name, errors.Join(notBelieved("Auto Scaling", name), err))
	case p.Now().Sub(at) < missAgain:
		return doubtful(name, notBelieved("Auto Scaling", name))
	}
	if _, err := p.checkDead(ctx, tag, name); err != nil {
		return doubtful(name, ohfp.Errorf(ohfp.ErrUnavailable, "Auto Scaling does not show %s, which is not believed: %v", name, err))
	}
	p.Forget(ctx, name)
	return absent(name, false)
}

func notBelieved(service, id string) error {
	return ohfp.Errorf(ohfp.ErrUnavailable, "%s does not show %s, which proves nothing yet; it is looked for again", service, id)
}

// made is the answer to a call that made something, which is remembered to be new.
func (p Parts) made(ctx context.Context, resource string) provider.Launched {
	_ = p.Memory.Remember(ctx, p.newKey(resource), []byte("1"), ohfp.GoneAfter)
	return provider.Launched{Resource: resource, Exhausted: true}
}

func (p Parts) isNew(ctx context.Context, resource string) (bool, error) {
	_, found, err := p.Memory.Recall(ctx, p.newKey(resource))
	return found, err
}

// Forget is for a resource that was removed: that it does not show is now final. Its name never comes again.
func (p Parts) Forget(ctx context.Context, resource string) {
	// What stays remembered, or is not, delays only what is told of it.
	_ = p.Memory.Forget(ctx, p.newKey(resource))
	_ = p.Memory.Remember(ctx, p.goneKey(resource), []byte("1"), keepGone)
}

func (p Parts) newKey(resource string) string { return p.Prefix + "new/" + resource }

func (p Parts) goneKey(resource string) string { return p.Prefix + "gone/" + resource }

// unseen is the refusal to remove what AWS does not show yet, nil for what does not exist.
func (p Parts) unseen(ctx context.Context, resource string) error {
	switch recent, err := p.isNew(ctx, resource); {
	case err != nil:
		return err
	case recent:
		return ohfp.Errorf(ohfp.ErrConflict, "%s is new and does not show yet; remove it later", resource)
	}
	return nil
}
