package aws_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// mended stands before moto 5.2.1 and makes it do what AWS does where the suite could prove next to nothing otherwise:
//   - RunInstances launches up to MaxCount machines, where moto launches MinCount;
//   - the machines of fleets carry AWS's own tag of the fleet;
//   - DescribeTags knows the tags of Spot Fleets;
//   - DeleteFleets and CancelSpotFleetRequests take fleets that are empty;
//   - DescribeFleets and DescribeSpotFleetRequests refuse an id that is unknown, where moto leaves it out.
type mended struct {
	next http.Handler
	ec2  *ec2.Client
}

var madeFleet = regexp.MustCompile(`<(?:fleetId|spotFleetRequestId)>([^<]+)<`)

func (m mended) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	form, _ := url.ParseQuery(string(sent))
	switch form.Get("Action") {
	case "RunInstances":
		form.Set("MinCount", form.Get("MaxCount"))
		m.pass(w, r, []byte(form.Encode()))
	case "DeleteFleets", "CancelSpotFleetRequests":
		answer := m.ask(r, sent)
		if strings.Contains(answer.Body.String(), "No instances specified") {
			form.Set("TerminateInstances", "false")
			answer = m.ask(r, []byte(form.Encode()))
		}
		reply(w, answer)
	case "CreateFleet", "RequestSpotFleet":
		answer := m.ask(r, sent)
		if made := madeFleet.FindSubmatch(answer.Body.Bytes()); made != nil {
			if err := m.tag(context.WithoutCancel(r.Context()), form, string(made[1])); err != nil {
				http.Error(w, fmt.Sprintf("tagging a fleet: %v", err), http.StatusInternalServerError)
				return
			}
		}
		reply(w, answer)
	case "DescribeFleets":
		m.describe(w, r, sent, asked(form, "FleetId.%d"), "InvalidFleetId.NotFound")
	case "DescribeSpotFleetRequests":
		m.describe(w, r, sent, asked(form, "SpotFleetRequestId.%d"), "InvalidSpotFleetRequestId.NotFound")
	default:
		m.pass(w, r, sent)
	}
}

// asked are the values of a list in a call, which counts from 1.
func asked(form url.Values, key string) []string {
	var values []string
	for i := 1; form.Has(fmt.Sprintf(key, i)); i++ {
		values = append(values, form.Get(fmt.Sprintf(key, i)))
	}
	return values
}

// describe passes a call on, and refuses it when the answer leaves out one of the ids it asked for.
func (m mended) describe(w http.ResponseWriter, r *http.Request, sent []byte, ids []string, refusal string) {
	answer := m.ask(r, sent)
	for _, id := range ids {
		if answer.Code == http.StatusOK && !bytes.Contains(answer.Body.Bytes(), []byte(">"+id+"<")) {
			w.Header().Set("Content-Type", "text/xml")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, "<Response><Errors><Error><Code>%s</Code><Message>The ID '%s' does not exist</Message></Error></Errors></Response>", refusal, id)
			return
		}
	}
	reply(w, answer)
}

func (m mended) pass(w http.ResponseWriter, r *http.Request, sent []byte) {
	own := r.Clone(r.Context())
	own.Body, own.ContentLength = io.NopCloser(bytes.NewReader(sent)), int64(len(sent))
	m.next.ServeHTTP(w, own)
}

func (m mended) ask(r *http.Request, sent []byte) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	m.pass(answer, r, sent)
	return answer
}

func reply(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// tag puts AWS's tag on the machines of a new fleet, and on a Spot Fleet those that it was ordered with.
func (m mended) tag(ctx context.Context, form url.Values, fleet string) error {
	if form.Get("Action") == "CreateFleet" {
		out, err := m.ec2.DescribeFleetInstances(ctx, &ec2.DescribeFleetInstancesInput{FleetId: awssdk.String(fleet)})
		if err != nil {
			return err
		}
		return m.mark(ctx, out.ActiveInstances, "aws:ec2:fleet-id", fleet)
	}
	var own []types.Tag
	const tag = "SpotFleetRequestConfig.TagSpecification.1.Tag.%d."
	for i := 1; form.Has(fmt.Sprintf(tag+"Key", i)); i++ {
		own = append(own, types.Tag{
			Key: awssdk.String(form.Get(fmt.Sprintf(tag+"Key", i))), Value: awssdk.String(form.Get(fmt.Sprintf(tag+"Value", i))),
		})
	}
	if len(own) > 0 {
		if _, err := m.ec2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{fleet}, Tags: own}); err != nil {
			return err
		}
	}
	out, err := m.ec2.DescribeSpotFleetInstances(ctx, &ec2.DescribeSpotFleetInstancesInput{SpotFleetRequestId: awssdk.String(fleet)})
	if err != nil {
		return err
	}
	return m.mark(ctx, out.ActiveInstances, "aws:ec2spot:fleet-request-id", fleet)
}

func (m mended) mark(ctx context.Context, machines []types.ActiveInstance, key, fleet string) error {
	if len(machines) == 0 {
		return nil
	}
	var ids []string
	for _, i := range machines {
		ids = append(ids, awssdk.ToString(i.InstanceId))
	}
	_, err := m.ec2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: ids, Tags: []types.Tag{{Key: awssdk.String(key), Value: awssdk.String(fleet)}}})
	return err
}
