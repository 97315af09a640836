package interrupt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/provider/aws/internal/awsapi"
)

const (
	// batch is the most messages that one call receives or deletes.
	batch = 10
	// MaxWait is the longest poll of SQS.
	MaxWait = 20 * time.Second
	// visibility is how long a message stays hidden while it is being stored. One that is not stored in that time, or by a
	// process that died, shows again to whoever listens then.
	visibility = 30 * time.Second
	// receivers is how many calls receive at once while there is more than one of them brings. Otherwise it is one.
	receivers = 8
	// together is how many messages are handed on at once, gather how long the first of them waits for others. A write of
	// the records for each of them would take longer than they have.
	together = 1000
	gather   = 50 * time.Millisecond
	// deletedWithin bounds the deletion of what is stored when the listener is told to end.
	deletedWithin = 5 * time.Second
)

// Queue is an SQS queue that rules of EventBridge put events into. It belongs to one installation: every message is
// deleted once it is understood and stored, also those about machines that are not ours.
type Queue struct {
	API  awsapi.API
	Name string        // name or URL
	Wait time.Duration // of a poll, at most MaxWait
	Log  *slog.Logger
}

// message is one that was received.
type message struct {
	handle  string
	notices []provider.Notice
}

// Receive hands on what comes until ctx ends or SQS refuses.
func (q Queue) Receive(ctx context.Context, handle func(ctx context.Context, notices []provider.Notice) error) error {
	url, err := q.url(ctx)
	if err != nil {
		return fmt.Errorf("interruption_queue %s: %w", q.Name, err)
	}
	listening, stop := context.WithCancel(ctx)
	defer stop()
	messages := make(chan message, together)
	received := make(chan error, 1)
	go func() {
		defer close(messages)
		received <- q.listen(listening, url, messages)
	}()
	err = q.pass(ctx, url, messages, handle)
	stop()
	for range messages { // shows again
	}
	err = errors.Join(err, <-received)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("interruption_queue %s: %w", q.Name, err)
	}
	return nil
}

// url finds the queue where only its name is known.
func (q Queue) url(ctx context.Context) (string, error) {
	if strings.Contains(q.Name, "://") {
		return q.Name, nil
	}
	out, err := q.API.GetQueueURL(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(q.Name)})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.QueueUrl), nil
}

// listen receives: one poll at a time while little comes, as many as there are receivers while each of them is full.
func (q Queue) listen(ctx context.Context, url string, to chan<- message) error {
	group, ctx := errgroup.WithContext(ctx)
	spare := make(chan struct{}, receivers-1)
	help := func() {
		for {
			select {
			case spare <- struct{}{}:
			default:
				return
			}
			group.Go(func() error {
				defer func() { <-spare }()
				for {
					// A second, because a poll that does not wait asks only some of SQS's servers.
					n, err := q.receive(ctx, url, time.Second, to)
					if err != nil || n == 0 {
						return err
					}
				}
			})
		}
	}
	group.Go(func() error {
		for {
			n, err := q.receive(ctx, url, q.Wait, to)
			if err != nil {
				return err
			}
			if n == batch {
				help()
			}
		}
	})
	return group.Wait()
}

// receive makes one poll and says how many messages it brought.
func (q Queue) receive(ctx context.Context, url string, wait time.Duration, to chan<- message) (int, error) {
	out, err := q.API.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: aws.String(url), MaxNumberOfMessages: batch,
		WaitTimeSeconds: int32(wait / time.Second), VisibilityTimeout: int32(visibility / time.Second),
	})
	if err != nil {
		return 0, err
	}
	for _, m := range out.Messages {
		select {
		case to <- q.read(ctx, m):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return len(out.Messages), nil
}

// read understands a message. One that nobody can understand is logged and deleted with the others: it would come again
// for days, and its place would be taken from those that matter.
func (q Queue) read(ctx context.Context, m types.Message) message {
	notices, err := Parse([]byte(aws.ToString(m.Body)))
	if err != nil {
		q.Log.WarnContext(ctx, "message of the interruption queue dropped", "queue", q.Name, "message", aws.ToString(m.MessageId), "error", err)
	}
	return message{handle: aws.ToString(m.ReceiptHandle), notices: notices}
}

// pass hands messages on, many at once, and deletes them when they are stored.
func (q Queue) pass(ctx context.Context, url string, from <-chan message, handle func(ctx context.Context, notices []provider.Notice) error) error {
	var deleting errgroup.Group
	deleting.SetLimit(receivers)
	defer func() { _ = deleting.Wait() }() // its errors are logged
	for {
		some := gathered(from)
		if len(some) == 0 {
			return nil
		}
		var notices []provider.Notice
		for _, m := range some {
			notices = append(notices, m.notices...)
		}
		if len(notices) > 0 {
			if err := handle(ctx, notices); err != nil {
				return err
			}
		}
		for begin := 0; begin < len(some); begin += batch {
			part := some[begin:min(begin+batch, len(some))]
			deleting.Go(func() error {
				q.remove(ctx, url, part)
				return nil
			})
		}
	}
}

// gathered waits for a message and takes those that follow it closely, none when there will be no more.
func gathered(from <-chan message) []message {
	first, ok := <-from
	if !ok {
		return nil
	}
	some := []message{first}
	enough := time.NewTimer(gather)
	defer enough.Stop()
	for len(some) < together {
		select {
		case m, ok := <-from:
			if !ok {
				return some
			}
			some = append(some, m)
		case <-enough.C:
			return some
		}
	}
	return some
}

// remove deletes messages that are stored. One that stays is received again, and then says nothing new.
func (q Queue) remove(ctx context.Context, url string, stored []message) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deletedWithin)
	defer cancel()
	in := &sqs.DeleteMessageBatchInput{QueueUrl: aws.String(url)}
	for i, m := range stored {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(m.handle)})
	}
	out, err := q.API.DeleteMessageBatch(ctx, in)
	if err == nil && len(out.Failed) > 0 {
		err = fmt.Errorf("%d of %d were not deleted, the first with %s", len(out.Failed), len(stored), aws.ToString(out.Failed[0].Code))
	}
	if err != nil {
		q.Log.WarnContext(ctx, "messages of the interruption queue not deleted; they come again", "queue", q.Name, "error", err)
	}
}
