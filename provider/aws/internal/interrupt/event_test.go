package interrupt

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/provider"
)

const (
	spotWarning = `{"version":"0","id":"12345678-1234-1234-1234-123456789012","detail-type":"EC2 Spot Instance Interruption Warning",
		"source":"aws.ec2","account":"123456789012","time":"2026-03-01T12:00:00Z","region":"us-east-2",
		"resources":["arn:aws:ec2:us-east-2a:instance/i-1234567890abcdef0"],
		"detail":{"instance-id":"i-1234567890abcdef0","instance-action":"terminate"}}`
	rebalance = `{"version":"0","detail-type":"EC2 Instance Rebalance Recommendation","source":"aws.ec2","time":"2026-03-01T12:00:00Z",
		"detail":{"instance-id":"i-1"}}`
	health = `{"version":"0","detail-type":"AWS Health Event","source":"aws.health","time":"2026-03-01T12:00:00Z","region":"us-west-2",
		"resources":["i-1"],"detail":{"eventArn":"arn:aws:health:us-west-2::event/x","service":"EC2",
		"eventTypeCode":"AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED","eventTypeCategory":"scheduledChange","statusCode":"STATUS",
		"startTime":"Thu, 5 Mar 2026 15:10:09 GMT","endTime":"Thu, 5 Mar 2026 15:10:09 GMT",
		"eventDescription":[{"language":"en_US","latestDescription":"A description"}],
		"affectedEntities":[{"entityValue":"i-1"},{"entityValue":"i-2"},{"entityValue":"i-1"},{"entityValue":"vol-1"}]}}`
	stateChange = `{"version":"0","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","time":"2026-03-01T12:00:00Z",
		"detail":{"instance-id":"i-1","state":"STATE"}}`
)

func TestParse(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	retired := ohfp.Notice{
		Kind: ohfp.NoticeMaintenance, AnnouncedAt: at, Due: time.Date(2026, 3, 5, 15, 10, 9, 0, time.UTC),
		Text: "EC2 has scheduled AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED",
	}
	for name, c := range map[string]struct {
		body string
		want []provider.Notice
	}{
		"spot warning": {spotWarning, []provider.Notice{{Machine: "i-1234567890abcdef0", Notice: ohfp.Notice{
			Kind: ohfp.NoticeSpot, AnnouncedAt: at, Due: at.Add(2 * time.Minute), Text: "EC2 takes the spot capacity back (terminate)",
		}}}},
		"rebalance": {rebalance, []provider.Notice{{Machine: "i-1", Notice: ohfp.Notice{
			Kind: ohfp.NoticeRebalance, AnnouncedAt: at, Text: "EC2 may soon take the spot capacity back",
		}}}},
		"maintenance": {strings.Replace(health, "STATUS", "upcoming", 1), []provider.Notice{
			{Machine: "i-1", Notice: retired}, {Machine: "i-2", Notice: retired},
		}},
		"maintenance is off": {strings.Replace(health, "STATUS", "closed", 1), []provider.Notice{
			{Machine: "i-1", Withdrawn: true, Notice: retired}, {Machine: "i-2", Withdrawn: true, Notice: retired},
		}},
		"terminated": {strings.Replace(stateChange, "STATE", "terminated", 1), []provider.Notice{{Machine: "i-1", Notice: ohfp.Notice{
			Kind: ohfp.NoticeStateChange, AnnouncedAt: at, Due: at, Text: "it is terminated",
		}}}},
		"running":             {strings.Replace(stateChange, "STATE", "running", 1), nil},
		"stopped":             {strings.Replace(stateChange, "STATE", "stopped", 1), nil},
		"of another service":  {strings.Replace(strings.Replace(health, "STATUS", "open", 1), `"EC2"`, `"RDS"`, 1), nil},
		"an outage":           {strings.Replace(health, "scheduledChange", "issue", 1), nil},
		"of another source":   {strings.Replace(spotWarning, "aws.ec2", "my.app", 1), nil},
		"of a later type":     {strings.Replace(spotWarning, "Warning", "Hint", 1), nil},
		"without an instance": {strings.Replace(spotWarning, "instance-id", "instance", 1), nil},
		"an action that breaks logs": {strings.Replace(spotWarning, `"terminate"`, `"a\nb"`, 1), []provider.Notice{{Machine: "i-1234567890abcdef0", Notice: ohfp.Notice{
			Kind: ohfp.NoticeSpot, AnnouncedAt: at, Due: at.Add(2 * time.Minute), Text: "EC2 takes the spot capacity back (terminate)",
		}}}},
	} {
		got, err := Parse([]byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
	for _, body := range []string{"", "hello", "[]", "{}", `{"detail-type":"x"}`, `{"detail-type":"x","time":"yesterday"}`, `{"detail-type":1}`, spotWarning + "x"} {
		if got, err := Parse([]byte(body)); err == nil || got != nil {
			t.Errorf("%q is taken for the event %v", body, got)
		}
	}
}

// FuzzParse: whatever a message holds, what is read from it fits the domain.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{spotWarning, rebalance, health, stateChange, "{}", "[", `{"detail-type":"AWS Health Event","time":"2026-03-01T12:00:00Z","source":"aws.health","detail":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		notices, err := Parse(body)
		if err != nil && notices != nil {
			t.Fatalf("notices %v beside the error %v", notices, err)
		}
		for _, n := range notices {
			if n.Machine == "" || n.Kind == "" || n.AnnouncedAt.IsZero() || n.AnnouncedAt.Location() != time.UTC || n.Due.Location() != time.UTC {
				t.Fatalf("notice %+v", n)
			}
			if strings.ContainsAny(n.Text, "\n\r\x1b") || len(n.Text) > 300 {
				t.Fatalf("text %q", n.Text)
			}
		}
	})
}
