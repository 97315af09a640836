package fakehf_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/internal/fakehf"
)

const (
	goodTemplates = `{"message":"ok","templates":[{"templateId":"T-1","maxNumber":-1,"attributes":{"type":["String","X86_64"],"ncpus":["Numeric","4"],"ncores":["Numeric","1"],"nram":["Numeric","16384"]},"pgrpName":null,"onDemandCapacity":0,"vmTypes":{"m5.large":1},"instanceTags":"a=b;c=d"}]}` + "\n"
	goodRequested = `{"message":"","requestId":"req-1"}` + "\n"
	goodStatus    = `{"requests":[{"requestId":"req-1","status":"complete","message":"","machines":[{"machineId":"i-1","name":"ip-10-0-0-1.ec2.internal","result":"succeed","status":"running","privateIpAddress":"10.0.0.1","publicIpAddress":null,"launchtime":1773489600,"message":"","priceType":"spot","instanceType":"m5.large","instanceTags":"","cloudHostId":null}]}]}` + "\n"
	goodReturn    = `{"requests":[{"requestId":"ret-1","status":"complete","message":"","machines":[{"machineId":"i-1","name":"ip-10-0-0-1.ec2.internal","result":"succeed","status":"terminated","privateIpAddress":"10.0.0.1","launchtime":1773489600,"message":""}]}]}` + "\n"
	goodReclaimed = `{"status":"complete","message":"","requests":[{"machine":"ip-10-0-0-1.ec2.internal","gracePeriod":118}]}` + "\n"
	goodRefusal   = `{"message":"template T-9 does not exist"}` + "\n"
)

func TestGoodAnswersPass(t *testing.T) {
	t.Parallel()
	templates, err := fakehf.ParseTemplates([]byte(goodTemplates))
	if err != nil || templates.Templates[0].Attributes["ncpus"].Value != "4" || templates.Templates[0].Fields["instanceTags"] != "a=b;c=d" {
		t.Errorf("templates: %+v: %v", templates, err)
	}
	requested, err := fakehf.ParseRequested([]byte(goodRequested))
	if err != nil || requested.RequestID != "req-1" {
		t.Errorf("requested: %+v: %v", requested, err)
	}
	requests, err := fakehf.ParseStatus([]byte(goodStatus), "req-1")
	if err != nil || !requests[0].Done() || requests[0].Good()[0].LaunchTime.Unix() != 1773489600 {
		t.Errorf("status: %+v: %v", requests, err)
	}
	if _, err := fakehf.ParseStatus([]byte(goodReturn), "ret-1"); err != nil {
		t.Errorf("status of a return: %v", err)
	}
	reclaimed, err := fakehf.ParseReturnRequests([]byte(goodReclaimed))
	if err != nil || reclaimed.Requests[0].Grace.Seconds() != 118 {
		t.Errorf("return requests: %+v: %v", reclaimed, err)
	}
	message, err := fakehf.ParseRefusal([]byte(goodRefusal))
	if err != nil || message != "template T-9 does not exist" {
		t.Errorf("refusal: %q: %v", message, err)
	}
}

// TestBadAnswersAreFound changes one thing in a good answer at a time.
func TestBadAnswersAreFound(t *testing.T) {
	t.Parallel()
	parse := map[string]func([]byte) error{
		goodTemplates: func(out []byte) error { _, err := fakehf.ParseTemplates(out); return err },
		goodRequested: func(out []byte) error { _, err := fakehf.ParseRequested(out); return err },
		goodStatus:    func(out []byte) error { _, err := fakehf.ParseStatus(out, "req-1"); return err },
		goodReturn:    func(out []byte) error { _, err := fakehf.ParseStatus(out, "ret-1"); return err },
		goodReclaimed: func(out []byte) error { _, err := fakehf.ParseReturnRequests(out); return err },
		goodRefusal:   func(out []byte) error { _, err := fakehf.ParseRefusal(out); return err },
	}
	tests := []struct {
		name, good, old, new string
		want                 string // part of the complaint
	}{
		{"nothing", goodRequested, goodRequested, "", "is empty"},
		{"a log line before", goodRequested, `{"m`, "INFO start\n{\"m", "from the first byte"},
		{"a log line after", goodRequested, "}\n", "}\nINFO end\n", "more than one line"},
		{"a second object", goodRequested, "}\n", "}{}\n", "goes on after"},
		{"a byte order mark", goodRequested, `{"m`, "\xef\xbb\xbf{\"m", "from the first byte"},
		{"not UTF-8", goodRequested, "req-1", "req-\xff", "not UTF-8"},
		{"cut off", goodRequested, "\"}\n", "", "not one JSON object"},
		{"a member twice", goodRequested, `{"message":""`, `{"message":"","message":""`, "twice"},
		{"a list", goodRequested, goodRequested, "[]\n", "from the first byte"},
		{"over several lines", goodRequested, `,"req`, ",\n\"req", "more than one line"},

		{"no request id", goodRequested, `,"requestId":"req-1"`, "", "lacks requestId"},
		{"an empty request id", goodRequested, `"req-1"`, `""`, "is empty"},
		{"a null request id", goodRequested, `"req-1"`, `null`, "want a string"},
		{"an error besides", goodRequested, `,"req`, `,"error":"x","req`, `unknown member "error"`},
		{"a message that is null", goodRequested, `"message":""`, `"message":null`, "want a string"},
		{"a word of Python", goodRequested, `"message":""`, `"message":"None"`, "programming language"},

		{"no templates", goodTemplates, goodTemplates, `{"message":"","templates":[]}` + "\n", "drops such a provider"},
		{"templates null", goodTemplates, goodTemplates, `{"message":"","templates":null}` + "\n", "want a list"},
		{"a template id with a space", goodTemplates, "T-1", "T 1", "want 1 to 64"},
		{"no hosts", goodTemplates, `"maxNumber":-1`, `"maxNumber":0`, "want -1 or 1"},
		{"maxNumber in quotes", goodTemplates, `"maxNumber":-1`, `"maxNumber":"5"`, "want a whole number"},
		{"maxNumber with decimals", goodTemplates, `"maxNumber":-1`, `"maxNumber":5.0`, "want a whole number"},
		{"no attributes", goodTemplates, `"attributes"`, `"properties"`, "want an object"},
		{"no ncores", goodTemplates, `"ncores":["Numeric","1"],`, "", "lacks ncores"},
		{"a bare attribute", goodTemplates, `["Numeric","4"]`, `4`, "want a pair"},
		{"a bare value in a pair", goodTemplates, `["Numeric","4"]`, `["Numeric",4]`, "want a pair"},
		{"an unknown attribute type", goodTemplates, `["Numeric","4"]`, `["Number","4"]`, "want a pair"},
		{"a number that is none", goodTemplates, `["Numeric","4"]`, `["Numeric","four"]`, "has the value"},
		{"no CPU", goodTemplates, `["Numeric","4"]`, `["Numeric","0"]`, "above 0"},
		{"tags as an object", goodTemplates, `"a=b;c=d"`, `{"a":"b"}`, "want a string"},
		{"tags as JSON text", goodTemplates, `"a=b;c=d"`, `"{\"a\": \"b\"}"`, "want k=v;k=v"},
		{"weights in quotes", goodTemplates, `"m5.large":1`, `"m5.large":"1"`, "want a whole number"},
		{"total_count", goodTemplates, `"message":"ok"`, `"message":"ok","total_count":1`, "unknown member"},

		{"another request", goodStatus, "req-1", "req-2", "was not asked"},
		{"a status of its own", goodStatus, `"complete"`, `"partial"`, "want one of"},
		{"an error without a reason", goodStatus, `"complete"`, `"complete_with_error"`, "does not say why"},
		{"a status without machines", goodStatus, `"machines"`, `"machine"`, "lacks machines"},
		{"complete too early", goodStatus, `"succeed","status":"running"`, `"executing","status":"pending"`, "although the request is complete"},
		{"an empty address", goodStatus, `"10.0.0.1"`, `""`, "is empty"},
		{"no address", goodStatus, `"privateIpAddress":"10.0.0.1"`, `"privateIpAddress":null`, "before its name"},
		{"no name", goodStatus, `"name":"ip-10-0-0-1.ec2.internal"`, `"name":null`, "before its name"},
		{"a wrong address", goodStatus, `"10.0.0.1"`, `"10.0.0"`, "want an address"},
		{"launchTime with a capital T", goodStatus, "launchtime", "launchTime", "unknown member"},
		{"launchtime in quotes", goodStatus, "1773489600", `"1773489600"`, "want a whole number"},
		{"launchtime as a date", goodStatus, "1773489600", `"2026-03-14T12:00:00Z"`, "want a whole number"},
		{"no launchtime yet", goodStatus, "1773489600", "0", "before its name"},
		{"fail without a reason", goodStatus, `"succeed"`, `"fail"`, "does not say why"},
		{"a result of its own", goodStatus, `"succeed"`, `"success"`, "want one of"},
		{"succeed and pending", goodStatus, `"status":"running"`, `"status":"pending"`, "succeed and pending"},
		{"a state of its own", goodStatus, `"status":"running"`, `"status":"launching"`, "want one of"},
		{"no status", goodStatus, `"status":"running",`, ``, "has no status"},
		{"a cloud host", goodStatus, `"cloudHostId":null`, `"cloudHostId":"x"`, "want null"},
		{"a price type of its own", goodStatus, `"spot"`, `"heterogeneous"`, "want ondemand or spot"},
		{"tags null", goodStatus, `"instanceTags":""`, `"instanceTags":null`, "want a string"},
		{"a machine twice", goodStatus, `"machines":[`, `"machines":[{"machineId":"i-1","name":null,"result":"fail","privateIpAddress":null,"launchtime":0,"message":"x"},`, "lists machine i-1 twice"},
		{"a name twice", goodStatus, `"machines":[`, `"machines":[{"machineId":"i-2","name":"ip-10-0-0-1.ec2.internal","result":"succeed","status":"running","privateIpAddress":"10.0.0.1","launchtime":1,"message":""},`, "to a second machine"},
		{"gone, not given back", goodReturn, `"terminated"`, `"running"`, "given back with result"},
		{"given back, not gone", goodReturn, `"succeed"`, `"executing"`, "given back with result"},

		{"a status of its own", goodReclaimed, `"complete"`, `"ok"`, "want one of"},
		{"no list", goodReclaimed, `"requests"`, `"machines"`, "lacks requests"},
		{"no machine", goodReclaimed, `"ip-10-0-0-1.ec2.internal"`, `""`, "is empty"},
		{"a machine id besides", goodReclaimed, `"gracePeriod"`, `"machineId":"i-1","gracePeriod"`, "unknown member"},
		{"time with decimals", goodReclaimed, "118", "118.5", "want a whole number"},
		{"time in the past", goodReclaimed, "118", "-1", "want seconds from now"},
		{"a host twice", goodReclaimed, `"requests":[`, `"requests":[{"machine":"ip-10-0-0-1.ec2.internal","gracePeriod":1},`, "twice"},

		{"an id in a refusal", goodRefusal, "}", `,"requestId":"req-1"}`, "unknown member"},
		{"no reason", goodRefusal, "template T-9 does not exist", "", "is empty"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			bad := strings.Replace(test.good, test.old, test.new, 1)
			if bad == test.good {
				t.Fatalf("%q is not in the good answer", test.old)
			}
			if err := parse[test.good]([]byte(bad)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s\ngot  %v\nwant %q in it", bad, err, test.want)
			}
		})
	}
}

func TestEveryQuestionNeedsItsAnswer(t *testing.T) {
	t.Parallel()
	if _, err := fakehf.ParseStatus([]byte(goodStatus), "req-1", "req-2"); err == nil || !strings.Contains(err.Error(), `nothing about "req-2"`) {
		t.Errorf("%v", err)
	}
}

func TestNullIsEmpty(t *testing.T) {
	t.Parallel()
	out := `{"requests":[{"requestId":"req-1","status":"running","message":"","machines":[{"machineId":"i-1","name":null,"result":"executing","status":"pending","privateIpAddress":null,"publicIpAddress":null,"launchtime":0,"message":"","priceType":null,"instanceType":null}]}]}`
	got, err := fakehf.ParseStatus([]byte(out), "req-1")
	if err != nil {
		t.Fatal(err)
	}
	want := fakehf.Machine{ID: "i-1", Result: "executing", Status: "pending", LaunchTime: got[0].Machines[0].LaunchTime}
	if diff := cmp.Diff(want, got[0].Machines[0]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
