package awssim_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/openhostfactory/ohfp/awssim"
)

// mailbox is a queue as the SDK sees it.
type mailbox struct {
	tb     testing.TB
	client *sqs.Client
	url    string
}

func newMailbox(tb testing.TB, w *world, name string) mailbox {
	tb.Helper()
	b := mailbox{tb: tb, client: sqs.NewFromConfig(awsConfig(w.url, "us-east-1"))}
	made, err := b.client.CreateQueue(tb.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name)})
	wantCode(tb, err, "")
	b.url = *made.QueueUrl
	return b
}

func (b mailbox) send(body string) {
	b.tb.Helper()
	_, err := b.client.SendMessage(b.tb.Context(), &sqs.SendMessageInput{QueueUrl: &b.url, MessageBody: &body})
	wantCode(b.tb, err, "")
}

func (b mailbox) receive(most, wait, visibility int32) []sqstypes.Message {
	b.tb.Helper()
	out, err := b.client.ReceiveMessage(b.tb.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &b.url, MaxNumberOfMessages: most, WaitTimeSeconds: wait, VisibilityTimeout: visibility,
	})
	wantCode(b.tb, err, "")
	return out.Messages
}

func TestQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	b := newMailbox(t, w, "interruptions")
	found, err := b.client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("interruptions")})
	wantCode(t, err, "")
	if *found.QueueUrl != b.url {
		t.Errorf("the queue is at %s and at %s", *found.QueueUrl, b.url)
	}
	for _, body := range []string{"one", "two", "three"} {
		b.send(body)
	}
	first := b.receive(2, 0, 60)
	if len(first) != 2 || *first[0].Body != "one" || *first[1].Body != "two" {
		t.Fatalf("received %+v", first)
	}
	if rest := b.receive(10, 0, 60); len(rest) != 1 || *rest[0].Body != "three" {
		t.Fatalf("then received %+v", rest)
	}
	_, err = b.client.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &b.url, ReceiptHandle: first[0].ReceiptHandle})
	wantCode(t, err, "")

	w.clock.advance(time.Minute)
	again := b.receive(10, 0, 60)
	if len(again) != 2 || *again[0].Body != "two" || *again[0].ReceiptHandle == *first[1].ReceiptHandle {
		t.Fatalf("after the timeout received %+v", again)
	}
	var entries []sqstypes.DeleteMessageBatchRequestEntry
	for _, m := range append(again[:1], first[1]) { // the second handle is not good any more
		entries = append(entries, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String((*m.ReceiptHandle)[:8]), ReceiptHandle: m.ReceiptHandle})
	}
	out, err := b.client.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &b.url, Entries: entries})
	wantCode(t, err, "")
	if len(out.Successful) != 2 || len(out.Failed) != 0 {
		t.Errorf("deleted %+v", out)
	}
	if left := w.Queue("interruptions"); !slices.Equal(left, []string{"three"}) {
		t.Errorf("left are %q", left)
	}

	_, err = b.client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("none")})
	wantCode(t, err, "AWS.SimpleQueueService.NonExistentQueue")
	_, err = b.client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &b.url, MaxNumberOfMessages: 11})
	wantCode(t, err, "InvalidParameterValue")
}

// TestLongPoll: who waits gets what is sent meanwhile, and a poll without news comes back when its time is over.
func TestLongPoll(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	b := newMailbox(t, w, "q")
	go func() {
		time.Sleep(50 * time.Millisecond)
		w.Send("q", "hello")
	}()
	began := time.Now()
	if got := b.receive(10, 20, 60); len(got) != 1 || *got[0].Body != "hello" {
		t.Fatalf("received %+v", got)
	}
	if took := time.Since(began); took < 40*time.Millisecond || took > 10*time.Second {
		t.Errorf("the poll took %s", took)
	}
	if got := b.receive(10, 1, 60); len(got) != 0 {
		t.Errorf("received %+v", got)
	}
}

// TestEvents: what happens to instances is told to the queue as EventBridge tells it, and by DescribeInstanceStatus.
func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{InterruptionQueue: "events"})
	in := launchInput(3)
	in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
	ids := w.run(t, in)
	due := w.clock.Now().Add(48 * time.Hour)
	for _, err := range []error{
		w.Recommend(ids[0]), w.Interrupt(2*time.Minute, ids[0]), w.Schedule("instance-retirement", due, ids[1]),
		w.Unschedule(ids[1]), w.Cloud.Terminate(ids[2]),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if w.Schedule("coffee", due, ids[0]) == nil || w.Recommend("i-00000000000000000") == nil {
		t.Error("nonsense was done")
	}
	var told []string
	for _, body := range w.Queue("events") {
		var e struct {
			DetailType string `json:"detail-type"`
			Source     string
			Time       time.Time
			Resources  []string
			Detail     struct {
				ID       string `json:"instance-id"`
				State    string
				Status   string `json:"statusCode"`
				Affected []struct {
					Entity string `json:"entityValue"`
				} `json:"affectedEntities"`
			}
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatal(err)
		}
		id := e.Detail.ID
		if len(e.Detail.Affected) > 0 {
			id = e.Detail.Affected[0].Entity
		}
		if !e.Time.Equal(w.clock.Now()) || len(e.Resources) != 1 || e.Resources[0] != "arn:aws:ec2:us-east-1:123456789012:instance/"+id {
			t.Errorf("event %s", body)
		}
		told = append(told, e.Source+" "+e.DetailType+" "+id+" "+e.Detail.State+e.Detail.Status)
	}
	if want := []string{
		"aws.ec2 EC2 Instance Rebalance Recommendation " + ids[0] + " ",
		"aws.ec2 EC2 Spot Instance Interruption Warning " + ids[0] + " ",
		"aws.health AWS Health Event " + ids[1] + " upcoming",
		"aws.health AWS Health Event " + ids[1] + " closed",
		"aws.ec2 EC2 Instance State-change Notification " + ids[2] + " shutting-down",
	}; !slices.Equal(told, want) {
		t.Errorf("told %q\nwant %q", told, want)
	}
	out, err := w.ec2.DescribeInstanceStatus(t.Context(), &ec2.DescribeInstanceStatusInput{
		Filters: []types.Filter{filterOn("event.code", "instance-retirement", "system-reboot")},
	})
	wantCode(t, err, "")
	if len(out.InstanceStatuses) != 1 || *out.InstanceStatuses[0].InstanceId != ids[1] {
		t.Fatalf("statuses %+v", out.InstanceStatuses)
	}
	if e := out.InstanceStatuses[0].Events[0]; e.Code != types.EventCodeInstanceRetirement || !e.NotBefore.Equal(due) || (*e.Description)[:10] != "[Canceled]" {
		t.Errorf("event %+v", e)
	}
}
