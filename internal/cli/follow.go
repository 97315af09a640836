package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/command"
	"github.com/openhostfactory/ohfp/internal/view"
)

const (
	firstPause = time.Second     // between the first looks: most machines are there within seconds
	lastPause  = 5 * time.Second // between later ones, well below the rate at which clouds throttle
)

// waiting says whether and how long a command waits for the end of its request.
type waiting struct {
	On       bool
	Timeout  time.Duration // 0: for ever
	Interval time.Duration // between looks; 0: longer and longer
}

const patience = 5 * time.Minute

func (w *waiting) addFlags(cmd *cobra.Command) {
	w.Timeout = patience
	cmd.Flags().BoolVar(&w.On, "wait", false, "answer when the request has ended")
	cmd.Flags().Var(seconds{&w.Timeout}, "timeout", "how long --wait waits, for example 90s or 10m, or a number of seconds")
}

func (w *waiting) check(cmd *cobra.Command) error {
	switch {
	case w.Timeout <= 0:
		return usageErrorf("--timeout %s makes no sense; use a positive duration such as 90s", ohfp.FormatDuration(w.Timeout))
	case !w.On && cmd.Flags().Changed("timeout"):
		return usageErrorf("--timeout means how long --wait waits; pass --wait too")
	}
	return nil
}

// follow looks at a request until it has ended, then answers. The id is told first, so that whoever interrupts the wait
// can go on with it.
func (p *program) follow(ctx context.Context, s *session, r ohfp.Request, wait waiting) error {
	p.note("request %s is under way", r.ID)
	if !p.global.Quiet {
		p.answered(ctx, s, r.ID)
	}
	bar := newProgress(p.errw, p.global.Quiet, p.screen(p.errw))
	r, problem := p.watch(ctx, s, r, wait, bar)
	bar.clear()
	if err := p.show(view.NewFullRequest(r, time.Now()), requestLayout()); err != nil {
		return err
	}
	p.answered(ctx, s, r.ID)
	switch {
	case problem != nil:
		return problem
	case r.Status.Terminal():
		return p.judge(r)
	case ctx.Err() != nil:
		p.note("stopped waiting; request %s goes on, see ohfp requests status --request-id %s", r.ID, r.ID)
		return ctx.Err()
	default:
		return ohfp.Errorf(ohfp.ErrTimeout, "request %s is %s after %s and goes on; see ohfp requests status --request-id %s", r.ID, r.Status, ohfp.FormatDuration(wait.Timeout), r.ID)
	}
}

// answered records that an id has left us. When that fails the caller has the id all the same, and asking for the
// request's status makes up for it, so it is no failure of the command.
func (p *program) answered(ctx context.Context, s *session, id ohfp.RequestID) {
	if err := s.Commands.Answered(context.WithoutCancel(ctx), id); err != nil {
		p.complain(err)
	}
}

// watch returns the request as it was when it ended, the time was up, or ctx ended.
func (p *program) watch(ctx context.Context, s *session, r ohfp.Request, wait waiting, bar *progress) (ohfp.Request, error) {
	var over <-chan time.Time
	if wait.Timeout > 0 {
		timer := time.NewTimer(wait.Timeout)
		defer timer.Stop()
		over = timer.C
	}
	tick := time.NewTicker(barInterval)
	defer tick.Stop()
	pause := firstPause
	if wait.Interval > 0 {
		pause = wait.Interval
	}
	look := time.NewTimer(pause)
	defer look.Stop()
	bar.draw(r)
	told := "" // the last problem that was told, so that it is told once
	for {
		select {
		case <-ctx.Done():
			return r, nil
		case <-over:
			return r, nil
		case <-tick.C:
			bar.draw(r)
		case <-look.C:
			latest, problem, err := s.latest(ctx, r)
			if ctx.Err() != nil {
				return r, nil // interrupted in the middle of a look: what was known before stands
			}
			if err != nil {
				return r, err
			}
			if problem != told {
				bar.clear()
				if told = problem; problem != "" {
					p.note("the cloud could not be asked, trying again: %s", problem)
				}
			}
			r = latest
			if r.Status.Terminal() {
				return r, nil
			}
			bar.draw(r)
			if wait.Interval == 0 {
				pause = min(pause+pause/2, lastPause)
			}
			look.Reset(pause)
		}
	}
}

// latest asks the cloud about a request and reads its record.
func (s *session) latest(ctx context.Context, r ohfp.Request) (latest ohfp.Request, problem string, err error) {
	ids := []ohfp.RequestID{r.ID}
	unanswered, err := s.sync(ctx, command.SyncRequests{IDs: ids, Others: true})
	if err != nil {
		return r, "", err
	}
	if unanswered != nil {
		problem = unanswered.Error()
	}
	found, _, err := s.Queries.RequestStatus(ctx, ids)
	if err != nil {
		return r, problem, err
	}
	if len(found) == 0 {
		return r, problem, noSuchRequest(r.ID)
	}
	return found[0], problem, nil
}
