package awssim

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// SQS speaks JSON as SSM does. Its queues are standard ones: a message that is received stays, invisible for a while, until
// it is deleted by the handle that it was received with.

// sqsVersion is the version of the API, which calls do not send.
const sqsVersion = "2012-11-05"

const (
	// defaultVisibility is how long a received message stays invisible unless the call says otherwise.
	defaultVisibility = 30 * time.Second
	// maxVisibility and maxWait are the bounds of SQS, maxBatch what one call receives or deletes.
	maxVisibility = 12 * time.Hour
	maxWait       = 20 * time.Second
	maxBatch      = 10
	// maxMessage is the size of the largest message.
	maxMessage = 1 << 20
)

// queue is a standard queue.
type queue struct {
	name     string
	messages []*message // in the order of their sending; those deleted are dropped a good many at a time
	handles  map[string]*message
	deleted  int
	// news is closed, and made anew, when a message comes.
	news chan struct{}
}

type message struct {
	id, body, handle string
	visibleAt        time.Time
	deleted          bool
}

func newQueue(name string) *queue {
	return &queue{name: name, handles: map[string]*message{}, news: make(chan struct{})}
}

func (q *queue) send(id, body string, now time.Time) {
	q.messages = append(q.messages, &message{id: id, body: body, visibleAt: now})
	close(q.news)
	q.news = make(chan struct{})
}

// receive hides up to n visible messages for a while and returns them.
func (q *queue) receive(n int, visibility time.Duration, now time.Time, handle func() string) []*message {
	var received []*message
	for _, m := range q.messages {
		if len(received) == n {
			break
		}
		if m.deleted || now.Before(m.visibleAt) {
			continue
		}
		delete(q.handles, m.handle)
		m.handle, m.visibleAt = handle(), now.Add(visibility)
		q.handles[m.handle] = m
		received = append(received, m)
	}
	return received
}

// remove deletes the message of a handle. A handle that is no longer good deletes nothing, as in SQS.
func (q *queue) remove(handle string) {
	m, ok := q.handles[handle]
	if !ok {
		return
	}
	delete(q.handles, handle)
	m.deleted = true
	if q.deleted++; q.deleted > len(q.messages)/2 {
		q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.deleted })
		q.deleted = 0
	}
}

// nextVisible is when the first message shows, zero when there is none.
func (q *queue) nextVisible() time.Time {
	var first time.Time
	for _, m := range q.messages {
		if !m.deleted && (first.IsZero() || m.visibleAt.Before(first)) {
			first = m.visibleAt
		}
	}
	return first
}

// awaitMessage makes a long poll wait, before it is executed, until its queue has something to receive. Of several that
// wait, one gets the message and the others may come back with nothing early, which SQS allows. It returns false when the
// caller has gone.
func (c *Cloud) awaitMessage(ctx context.Context, form url.Values) bool {
	seconds := 0
	if _, err := fmt.Sscan(form.Get("WaitTimeSeconds"), &seconds); err != nil || seconds <= 0 {
		return true
	}
	over := time.NewTimer(min(time.Duration(seconds)*time.Second, maxWait))
	defer over.Stop()
	for {
		news, wait, ready := c.visible(form.Get("QueueUrl"))
		if ready {
			return true
		}
		var shows <-chan time.Time
		if wait > 0 {
			shows = time.After(wait)
		}
		select {
		case <-ctx.Done():
			return false
		case <-over.C:
			return true
		case <-news:
		case <-shows:
		}
	}
}

// visible says whether a queue has something to receive, or nobody has to wait since there is no such queue. Otherwise
// news tells of the next message, and wait, when above 0, how long until one shows again.
func (c *Cloud) visible(at string) (news <-chan struct{}, wait time.Duration, ready bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := c.queues[queueName(at)]
	if q == nil {
		return nil, 0, true
	}
	next, now := q.nextVisible(), c.now()
	if next.IsZero() {
		return q.news, 0, false
	}
	return q.news, next.Sub(now), !now.Before(next)
}

// Queue returns the bodies of the messages that a queue still has, received or not, in the order of their sending.
func (c *Cloud) Queue(name string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	bodies := []string{}
	if q := c.queues[name]; q != nil {
		for _, m := range q.messages {
			if !m.deleted {
				bodies = append(bodies, m.body)
			}
		}
	}
	return bodies
}

// Send puts a message into a queue, which is made when it does not exist, as somebody else in the account would.
func (c *Cloud) Send(name, body string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue(name).send(c.newUUID(), body, c.now())
}

func (c *Cloud) queue(name string) *queue {
	q := c.queues[name]
	if q == nil {
		q = newQueue(name)
		c.queues[name] = q
	}
	return q
}

// queueName is the name at the end of a queue's URL.
func queueName(at string) string {
	parsed, err := url.Parse(at)
	if err != nil || parsed.Path == "" {
		return ""
	}
	return path.Base(parsed.Path)
}

// queueURL is as SQS writes it. Calls carry it as a parameter and go to the endpoint all the same.
func (c *Cloud) queueURL(name string) string {
	return "https://sqs." + c.options.Region + ".amazonaws.com/" + c.options.Account + "/" + name
}

func (c *Cloud) findQueue(at string) (*queue, error) {
	if at == "" {
		return nil, missingParameter("QueueUrl")
	}
	if q := c.queues[queueName(at)]; q != nil {
		return q, nil
	}
	return nil, noQueue()
}

const codeNoQueue = "QueueDoesNotExist"

func noQueue() error {
	return errorf(codeNoQueue, "The specified queue does not exist.")
}

func validQueueName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return name != "" && len(name) <= 80 && strings.Trim(name, letters) == ""
}
