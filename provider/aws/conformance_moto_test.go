package aws_test

import (
	"bufio"
	"context"
	_ "embed"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/openhostfactory/ohfp/provider/providertest"
)

// TestMotoConformance asks a second emulator, which knows nothing of ours, whether it takes our calls as we mean them.
// The ways to launch run one after the other: a server of moto holds one cloud, which each case wants for itself.
func TestMotoConformance(t *testing.T) { //nolint:tparallel // its subtests share one cloud
	t.Parallel()
	m := &moto{url: os.Getenv("OHFP_TEST_MOTO")}
	if m.url == "" {
		if os.Getenv("OHFP_TEST_DISALLOW_SKIP") != "" {
			t.Fatal("OHFP_TEST_MOTO is not set")
		}
		t.Skip("OHFP_TEST_MOTO names no server of moto; make test-moto starts one")
	}
	gaps := readGaps(t)
	for _, way := range ways() {
		t.Run(way.name, func(t *testing.T) {
			providertest.Run(t, func(tb testing.TB) providertest.Harness {
				tb.Helper()
				h := m.harness(tb, way)
				h.Gaps = gaps[way.name]
				return h
			})
		})
	}
}

// motoGaps is what moto cannot show, by way to launch and case.
//
//go:embed testdata/moto_gaps.txt
var motoGaps string

// readGaps reads lines "way, way: case" below an unindented line with their reason.
func readGaps(t *testing.T) map[string]map[string]string {
	t.Helper()
	gaps := map[string]map[string]string{}
	for _, way := range ways() {
		gaps[way.name] = map[string]string{}
	}
	reason := ""
	for lines := bufio.NewScanner(strings.NewReader(motoGaps)); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
			continue
		case !strings.HasPrefix(line, " "):
			reason = line
			continue
		}
		names, name, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || reason == "" {
			t.Fatalf("moto_gaps.txt: %q has no way to launch, no case or no reason above it", line)
		}
		for way := range strings.SplitSeq(names, ", ") {
			if gaps[way] == nil {
				t.Fatalf("moto_gaps.txt: %q is no way to launch", way)
			}
			if gaps[way][name] != "" {
				t.Fatalf("moto_gaps.txt: %s: %s is listed twice", way, name)
			}
			gaps[way][name] = reason
		}
	}
	return gaps
}

// moto is a server of moto.
type moto struct {
	url     string
	empty   bool
	subnets [2]string // as of when it was made empty
}

// account is the one account, for whoever calls straight.
func (m *moto) account() *remote {
	const key, secret = "AKIDEXAMPLE", "secret"
	clock := &turned{}
	a := &remote{
		site: simulatedSite(), region: "us-east-1", installation: "0123456789abcdef", now: clock.now,
		pause: func(ctx context.Context, d time.Duration) error { clock.turn(d); return ctx.Err() },
		lookup: func(name string) (string, bool) {
			value, ok := map[string]string{"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}[name]
			return value, ok
		},
	}
	a.securityGroup, a.image = "", "ami-12c6146b" // one that moto knows
	a.connect(awssdk.Config{
		Region: a.region, BaseEndpoint: awssdk.String(m.url), Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	})
	return a
}

// harness is one on an empty cloud.
func (m *moto) harness(tb testing.TB, way way) providertest.Harness {
	tb.Helper()
	a := m.account()
	if !m.empty {
		m.clear(tb, a)
	}
	a.subnets = m.subnets
	target := must(url.Parse(m.url))(tb, "the address of moto")
	f := &fault{next: mended{next: httputil.NewSingleHostReverseProxy(target), ec2: a.ec2}}
	proxy := httptest.NewServer(f)
	tb.Cleanup(func() {
		proxy.Close()
		m.empty = f.calls.Mutating == 0
	})
	a.endpoint = proxy.URL
	h := a.harness(tb, way)
	h.Backend = "moto"
	h.Patience = time.Minute // nothing takes time in moto
	h.Many = 10
	h.Lacks[providertest.CanExhaust] = "moto never runs out of machines"
	h.Leaves = map[string]string{
		"EC2Fleet maintain": "moto has no ModifyFleet",
		"ASG":               "moto replaces what ends, whatever the group is told to have",
		"ASG spot":          "moto replaces what ends, whatever the group is told to have",
	}[way.name]
	f.equip(&h)
	return h
}

// clear makes moto forget everything, and learns its subnets, which have new ids then.
func (m *moto) clear(tb testing.TB, a *remote) {
	tb.Helper()
	request := must(http.NewRequestWithContext(tb.Context(), http.MethodPost, m.url+"/moto-api/reset", http.NoBody))(tb, "the address of moto")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	_ = answer.Body.Close()
	out := must(a.ec2.DescribeSubnets(tb.Context(), &ec2.DescribeSubnetsInput{}))(tb, "DescribeSubnets")
	for _, s := range out.Subnets {
		switch awssdk.ToString(s.AvailabilityZone) {
		case zoneA:
			m.subnets[0] = *s.SubnetId
		case zoneB:
			m.subnets[1] = *s.SubnetId
		}
	}
}

// turned is a clock that goes by itself and can be turned forward.
type turned struct {
	mutex sync.Mutex
	by    time.Duration
}

func (c *turned) now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return time.Now().Add(c.by)
}

func (c *turned) turn(d time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.by += d
}
