package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/internal/faultproxy"
	"github.com/openhostfactory/ohfp/internal/reconcile"
	"github.com/openhostfactory/ohfp/store"
	"github.com/openhostfactory/ohfp/store/memory"
)

// world is what outlives processes: a simulated AWS, the way to it, the records, and a clock that is not real.
type world struct {
	t      *testing.T
	random *rand.Rand
	cloud  *awssim.Cloud
	proxy  *faultproxy.Proxy
	store  *memory.Store
	config config.Config
	log    io.Writer

	ever map[string]awssim.Instance // every machine that there was, as it was seen last

	mu    sync.Mutex
	ended map[string]bool // machines that the cloud took, by id
}

const (
	zoneA, zoneB     = "us-east-1a", "us-east-1b"
	subnetA, subnetB = "subnet-0000000000000000a", "subnet-0000000000000000b"
)

// kinds are the launch APIs, with the price types that each has.
func kinds() []map[string]any {
	all := []map[string]any{
		{"providerApi": "RunInstances", "priceType": "ondemand"},
		{"providerApi": "EC2Fleet", "fleetType": "instant", "priceType": "spot"},
		{"providerApi": "EC2Fleet", "fleetType": "request", "priceType": "spot"},
		{"providerApi": "EC2Fleet", "fleetType": "maintain", "priceType": "spot"},
		{"providerApi": "SpotFleet", "fleetType": "request", "priceType": "spot"},
		{"providerApi": "SpotFleet", "fleetType": "maintain", "priceType": "spot"},
		{"providerApi": "ASG", "priceType": "ondemand"},
		{"providerApi": "RunInstances", "priceType": "spot"},
		{"providerApi": "EC2Fleet", "fleetType": "instant", "priceType": "heterogeneous", "percentOnDemand": 50},
		{"providerApi": "ASG", "priceType": "heterogeneous", "percentOnDemand": 30},
	}
	for i, fields := range all {
		maps.Copy(fields, map[string]any{
			"templateId": fmt.Sprintf("T%d", i), "maxNumber": 10_000, "imageId": "ami-0abcdef1234567890",
			"subnetId": []string{subnetA, subnetB}, "securityGroupIds": []string{"sg-00000000000000001"},
			"vmTypes": map[string]int{"m5.large": 1, "c5.large": 1},
		})
	}
	return all
}

// configuration is written once for many worlds.
func configuration(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, value := range map[string]any{
		"awsprov_templates.json": map[string]any{"templates": kinds()},
		"config.json": map[string]any{
			"providers": []any{map[string]any{"name": "awsinst", "type": "aws", "config": map[string]any{
				"region": "us-east-1", "endpoint_url": "http://aws.test", "max_retries": 1,
			}}},
			"orphans": map[string]any{"policy": "terminate", "interval": "2m", "quarantine": "10m", "min_age": "6m"},
			"daemon":  map[string]any{"interval": "10s", "idle_interval": "1m", "live_interval": "2m"},
			// The cloud here has no rates.
			"resilience": map[string]any{"pacing": map[string]any{"enabled": false}},
		},
	} {
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// newWorld makes a world in a bubble of its own time.
func newWorld(t *testing.T, seed uint64, conf, work string, log *journal) *world {
	t.Helper()
	w := &world{
		t: t, random: rand.New(rand.NewPCG(seed, 1)), store: memory.New(time.Now), log: io.Discard, ended: map[string]bool{},
		ever: map[string]awssim.Instance{},
	}
	if log != nil {
		w.log = log
	}
	seconds := func(most int) time.Duration { return time.Duration(w.random.IntN(most+1)) * time.Second }
	cloud, err := awssim.New(awssim.Options{
		Now: time.Now, Seed: seed + 1, LaunchDelay: time.Second + seconds(40), AddressDelay: seconds(5), TerminateDelay: time.Second + seconds(60),
		DescribeLag: seconds(4), FleetDelay: seconds(20), ReplaceDelay: 10*time.Second + seconds(60), Latency: time.Duration(w.random.IntN(1500)) * time.Millisecond,
		TerminatedVisible: time.Duration(3+w.random.IntN(30)) * time.Minute,
		Subnets:           []awssim.Subnet{{ID: subnetA, Zone: zoneA, CIDR: "10.0.0.0/16"}, {ID: subnetB, Zone: zoneB, CIDR: "10.1.0.0/16"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.cloud, w.proxy = cloud, faultproxy.Over(cloud)
	w.config, err = config.Load(config.Sources{Environ: []string{
		"HOME=" + work, "HF_PROVIDER_NAME=awsinst", "HF_PROVIDER_CONFDIR=" + conf, "HF_PROVIDER_WORKDIR=" + work, "HF_PROVIDER_LOGDIR=" + work,
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.config.Logging = config.Logging{Console: log != nil, Level: slog.LevelDebug}
	w.config.Requests.ReleaseAbandoned = w.random.IntN(2) == 0
	w.config.Resilience.Breaker.Enabled = w.random.IntN(4) > 0
	return w
}

func (w *world) lookup(key string) (string, bool) {
	value, ok := map[string]string{
		"AWS_ACCESS_KEY_ID": "simulator", "AWS_SECRET_ACCESS_KEY": "simulator",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	}[key]
	return value, ok
}

// fate draws how a process ends: most live.
func (w *world) fate(one bool) death {
	steps := []string{
		reconcile.StepRequestStored, reconcile.StepLaunchAnswered, reconcile.StepLaunchRecorded, reconcile.StepEndStored,
		reconcile.StepEndAnswered, reconcile.StepEndRecorded, reconcile.StepAnswerWritten, reconcile.StepReturnStored,
	}
	most := 12
	if !one {
		most = 300
	}
	switch w.random.IntN(6) {
	case 0, 1:
		return death{step: steps[w.random.IntN(len(steps))]}
	case 2:
		return death{effect: 1 + w.random.IntN(most), after: w.random.IntN(2) == 0}
	case 3:
		return death{within: time.Duration(1 + w.random.Int64N(int64(most)*int64(500*time.Millisecond))), asked: w.random.IntN(3) == 0}
	default:
		return death{}
	}
}

// trouble draws what goes wrong on the way to the cloud from now on.
func (w *world) trouble() {
	w.proxy.Clear()
	actions := []string{
		"", "", "RunInstances", "CreateFleet", "RequestSpotFleet", "CreateAutoScalingGroup", "DescribeInstances", "DescribeFleets",
		"DescribeFleetInstances", "DescribeSpotFleetInstances", "DescribeAutoScalingGroups", "TerminateInstances", "ModifyFleet",
		"ModifySpotFleetRequest", "UpdateAutoScalingGroup", "CreateLaunchTemplate", "DeleteFleets",
	}
	faults := []faultproxy.Rule{
		{Fault: faultproxy.Drop, Executed: true},
		{Fault: faultproxy.Drop},
		{Fault: faultproxy.Cut},
		{Fault: faultproxy.Truncate},
		{Fault: faultproxy.Empty, Action: "DescribeInstances"},
		{Fault: faultproxy.Refuse, Executed: true, Code: "InternalError", Status: 500},
		{Fault: faultproxy.Refuse, Executed: true, Code: "RequestLimitExceeded", Status: 503},
		{Fault: faultproxy.Refuse, Code: "RequestLimitExceeded", Status: 503},
		{Fault: faultproxy.Refuse, Code: "RequestExpired", Status: 400},
		{Fault: faultproxy.Refuse, Action: "RunInstances", Code: "InsufficientInstanceCapacity", Status: 500, Fresh: true},
		{Fault: faultproxy.Delay, Wait: 25 * time.Second},
		{Fault: faultproxy.Delay, Wait: 25 * time.Second, Executed: true},
	}
	for range w.random.IntN(3) {
		rule := faults[w.random.IntN(len(faults))]
		if action := actions[w.random.IntN(len(actions))]; rule.Action == "" {
			rule.Action = action
		}
		rule.Probability, rule.Seed = 0.1+0.6*w.random.Float64(), w.random.Uint64()
		w.ok(w.proxy.Add(rule))
	}
	if w.random.IntN(8) == 0 { // the region cannot be reached
		w.ok(w.proxy.Add(faultproxy.Rule{Fault: faultproxy.Drop}))
	}
	room := -1
	if w.random.IntN(4) == 0 {
		room = w.random.IntN(3)
	}
	w.room(room)
}

// room says how many more instances the cloud has.
func (w *world) room(n int) {
	for _, kind := range []string{"m5.large", "c5.large"} {
		for _, zone := range []string{zoneA, zoneB} {
			for _, lifecycle := range []string{awssim.OnDemand, awssim.Spot} {
				w.ok(w.cloud.SetCapacity(kind, zone, lifecycle, n))
			}
		}
	}
}

// take lets the cloud end a machine that nobody has asked it to.
func (w *world) take() {
	alive := w.alive()
	if len(alive) == 0 {
		return
	}
	i := alive[w.random.IntN(len(alive))]
	w.mu.Lock()
	w.ended[i.ID] = true
	w.mu.Unlock()
	if i.Lifecycle == awssim.Spot && w.random.IntN(3) > 0 {
		w.ok(w.cloud.Interrupt(2*time.Minute, i.ID))
		return
	}
	w.ok(w.cloud.Terminate(i.ID))
}

// watch remembers what there is: a cloud forgets machines that have ended.
func (w *world) watch() {
	for _, i := range w.cloud.Instances() {
		w.ever[i.ID] = i
	}
}

func (w *world) taken(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended[id]
}

func (w *world) alive() []awssim.Instance {
	return slices.DeleteFunc(w.cloud.Instances(), func(i awssim.Instance) bool { return !i.Alive() })
}

// heal ends all trouble.
func (w *world) heal() {
	w.proxy.Clear()
	w.room(-1)
}

func (w *world) requests(kind ohfp.RequestType) []ohfp.Request {
	all, err := w.store.Requests(w.t.Context(), store.RequestFilter{Type: kind, Machines: true})
	w.ok(err)
	return all
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// journal is a log that many processes of one world write.
type journal struct {
	mu sync.Mutex
	bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.Buffer.Write(p)
}
