package chaos

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/fakehf"
	"github.com/openhostfactory/ohfp/internal/hostfactory"
)

// symphony is a Host Factory that goes round every half minute, makes its calls side by side, and repeats what brought no
// answer, as the real one does.
type symphony struct {
	*world
	shape

	daemon *process
	lag    int // rounds until a new host is in its list
	calm   bool
	round  int
	open   []string         // requests and returns that are polled
	hosts  map[string]*host // by id
	asked  map[string]int   // by request: machines

	mu     sync.Mutex
	calls  int
	killed int // processes
}

// host is a machine that Host Factory uses.
type host struct {
	fakehf.Host
	since int    // the round in which it was told
	going bool   // to be given back
	by    string // the return that does
}

// call finds who answers a call: the daemon, when one runs, or a process of its own.
func (s *symphony) call(d death, byDaemon bool, action hostfactory.Action, input string) (reply hostfactory.Reply, answered bool) {
	if byDaemon && s.daemon != nil && !s.daemon.dead() && s.daemon.soft.Err() == nil {
		reply, answered = s.daemon.call(action, input)
	} else {
		p := s.start(d)
		reply, answered = p.call(action, input)
		p.end()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if !answered {
		s.killed++
	}
	return reply, answered
}

// ask makes a call in the background. What its answer means is worked out once all calls of the round are back.
func (s *symphony) ask(round *[]func(), all *sync.WaitGroup, action hostfactory.Action, input string, then func(body []byte, answered bool)) {
	d := death{}
	if !s.calm {
		d = s.fate(true)
	}
	byDaemon := s.random.IntN(2) == 0
	s.mu.Lock() // earlier calls of the round may be back already
	at := len(*round)
	*round = append(*round, nil)
	s.mu.Unlock()
	pause := time.Duration(s.random.IntN(2000)) * time.Millisecond
	all.Go(func() {
		time.Sleep(pause)
		reply, answered := s.call(d, byDaemon, action, input)
		if answered && reply.Exit == 1 {
			if _, err := fakehf.ParseRefusal(reply.Body); err != nil {
				s.t.Errorf("%s: %v: %s", action, err, reply.Body)
			}
			answered = false
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		(*round)[at] = func() { then(reply.Body, answered) }
	})
}

// turn is one round of the loop. Demand is how many requests it makes.
func (s *symphony) turn(demand int) {
	s.round++
	s.watch()
	s.tend()
	var all sync.WaitGroup
	answers := make([]func(), 0, 16)
	collect := &answers
	if len(s.open) > 0 {
		ids := slices.Clone(s.open)
		s.ask(collect, &all, hostfactory.GetRequestStatus, statusInput(ids), func(body []byte, answered bool) {
			if answered {
				s.told(ids, body)
			}
		})
	}
	for range demand {
		template, count := fmt.Sprintf("T%d", s.random.IntN(len(kinds()))), 1+s.random.IntN(s.batch)
		if s.exactly {
			count = s.batch
		}
		forget := !s.calm && s.random.IntN(12) == 0
		input := fmt.Sprintf(`{"template":{"templateId":%q,"machineCount":%d}}`, template, count)
		s.ask(collect, &all, hostfactory.RequestMachines, input, func(body []byte, answered bool) {
			if answered {
				s.requested(body, count, forget)
			}
		})
	}
	if give := s.giving(); len(give) > 0 {
		s.ask(collect, &all, hostfactory.RequestReturnMachines, hostInput(give), func(body []byte, answered bool) {
			if answered {
				s.returned(body, give)
			}
		})
	}
	s.ask(collect, &all, hostfactory.GetReturnRequests, hostInput(s.list()), func(body []byte, answered bool) {
		if answered {
			s.reclaimed(body)
		}
	})
	all.Wait()
	for _, then := range answers {
		then()
	}
}

// tend starts, stops and kills the daemon.
func (s *symphony) tend() {
	if s.daemon != nil && s.daemon.dead() {
		s.killed++
	}
	if s.daemon != nil && (s.daemon.soft.Err() != nil || !s.calm && s.random.IntN(12) == 0) {
		if s.random.IntN(2) == 0 {
			s.daemon.die()
			s.killed++
		}
		s.daemon.stopped()
		s.daemon = nil
	}
	if s.daemon == nil && s.random.IntN(4) == 0 {
		d := death{}
		if !s.calm {
			d = s.fate(false)
		}
		s.daemon = s.serve(d)
	}
}

func (s *symphony) requested(body []byte, count int, forget bool) {
	r, err := fakehf.ParseRequested(body)
	if err != nil {
		s.t.Errorf("requestMachines: %v: %s", err, body)
		return
	}
	if _, twice := s.asked[r.RequestID]; twice {
		s.t.Errorf("the id %s was told for two requests", r.RequestID)
	}
	s.asked[r.RequestID] = count
	if !forget {
		s.open = append(s.open, r.RequestID)
	}
}

// told takes in what the status of requests is.
func (s *symphony) told(ids []string, body []byte) {
	list, err := fakehf.ParseStatus(body, ids...)
	if err != nil {
		s.t.Errorf("getRequestStatus: %v: %s", err, body)
		return
	}
	for _, r := range list {
		if !r.Done() {
			continue
		}
		s.open = slices.DeleteFunc(s.open, func(id string) bool { return id == r.ID })
		if count, ours := s.asked[r.ID]; ours {
			running := slices.DeleteFunc(r.Good(), func(m fakehf.Machine) bool { return m.Status != "running" })
			if good := len(running); good > count {
				s.t.Errorf("request %s brings %d machines, %d were asked for: %s", r.ID, good, count, body)
				stored, err := s.store.Request(s.t.Context(), ohfp.RequestID(r.ID))
				s.ok(err)
				s.story(stored)
			}
			for _, m := range running {
				if s.hosts[m.ID] != nil {
					s.t.Errorf("machine %s is told of two requests", m.ID)
				}
				s.hosts[m.ID] = &host{Host: fakehf.Host{Name: m.Name, ID: m.ID}, since: s.round}
			}
			continue
		}
		for _, h := range s.hosts {
			if h.by == r.ID {
				h.by = ""
				if r.Status == "complete" {
					delete(s.hosts, h.ID)
				}
			}
		}
	}
}

// giving chooses what is given back: what was not answered before, and now and then a few more.
func (s *symphony) giving() []*host {
	var give []*host
	for _, id := range sorted(s.hosts) {
		h := s.hosts[id]
		if h.by == "" && (h.going || !s.calm && s.random.IntN(25) == 0) {
			h.going = true
			give = append(give, h)
		}
	}
	return give
}

func (s *symphony) returned(body []byte, hosts []*host) {
	r, err := fakehf.ParseRequested(body)
	if err != nil {
		s.t.Errorf("requestReturnMachines: %v: %s", err, body)
		return
	}
	s.open = append(s.open, r.RequestID)
	for _, h := range hosts {
		h.by = r.RequestID
	}
}

// list is the list of hosts that comes with getReturnRequests: it lags, and at times it is empty.
func (s *symphony) list() []*host {
	if !s.calm && s.random.IntN(10) == 0 {
		return nil
	}
	var known []*host
	for _, id := range sorted(s.hosts) {
		if h := s.hosts[id]; s.round-h.since >= s.lag {
			known = append(known, h)
		}
	}
	return known
}

// reclaimed holds that only machines are named that the cloud takes back: no read that failed may look like that.
func (s *symphony) reclaimed(body []byte) {
	answer, err := fakehf.ParseReturnRequests(body)
	if err != nil {
		s.t.Errorf("getReturnRequests: %v: %s", err, body)
		return
	}
	s.watch()
	names := map[string]bool{}
	for _, i := range s.ever {
		names[i.PrivateDNS] = names[i.PrivateDNS] || s.taken(i.ID)
	}
	for _, r := range answer.Requests {
		if !names[r.Machine] {
			s.t.Errorf("%s is taken back in round %d, and the cloud has not: %s", r.Machine, s.round, body)
		}
		for _, h := range s.hosts {
			if h.Name == r.Machine && s.taken(h.ID) {
				h.going = true
			}
		}
	}
}

func statusInput(ids []string) string {
	type entry struct {
		ID string `json:"requestId"`
	}
	in := struct {
		Requests []entry `json:"requests"`
	}{}
	for _, id := range ids {
		in.Requests = append(in.Requests, entry{id})
	}
	return encode(in)
}

func hostInput(hosts []*host) string {
	type entry struct {
		Name string `json:"name"`
		ID   string `json:"machineId"`
	}
	in := struct {
		Machines []entry `json:"machines"`
	}{Machines: []entry{}}
	for _, h := range hosts {
		in.Machines = append(in.Machines, entry{h.Name, h.ID})
	}
	return encode(in)
}

func encode(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("strings do not encode: %v", err))
	}
	return string(data)
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
