package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/openhostfactory/ohfp/awssim"
	"github.com/openhostfactory/ohfp/internal/access"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/daemon"
)

// face is a way to ask for an operation.
type face string

const (
	onCommandLine face = "command line"
	overREST      face = "REST"
	toAssistants  face = "tool"
	inScripts     face = "script"
)

// faces are those that a rule names.
func faces(rule access.Rule) (list []face) {
	for _, f := range []struct {
		face face
		name string
	}{{onCommandLine, rule.CLI}, {overREST, rule.REST}, {toAssistants, rule.MCP}, {inScripts, rule.Script}} {
		if f.name != "" {
			list = append(list, f.face)
		}
	}
	return list
}

// island is an installation with a cloud of its own. There is one at a time: it is in the environment of this process.
type island struct {
	t     *testing.T
	dir   string
	at    string // the cloud's address
	cloud *awssim.Cloud
	names map[string]string // what cases write for what is there
}

const islandTemplates = `{"templates": [
  {"templateId": "EC2FleetInstant", "maxNumber": 10, "providerApi": "EC2Fleet", "fleetType": "instant",
   "imageId": "ami-0abcdef1234567890", "vmTypes": {"t3.medium": 1}, "subnetId": "subnet-0000000000000000a",
   "securityGroupIds": ["sg-00000000000000001"]},
  {"templateId": "my-template", "maxNumber": 5, "imageId": "ami-0abcdef1234567890", "vmType": "m5.xlarge",
   "subnetId": "subnet-0000000000000000a", "securityGroupIds": ["sg-00000000000000001"]}
]}`

// newIsland has a request that is complete, with two machines.
func newIsland(t *testing.T) *island {
	t.Helper()
	w := &island{t: t, dir: t.TempDir(), names: map[string]string{"$PROVIDER": "aws"}}
	w.names["$FILE"] = filepath.Join(w.dir, "import.json")
	err := os.WriteFile(w.names["$FILE"], []byte(importedTemplates), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if w.cloud, err = awssim.New(awssim.Options{}); err != nil {
		t.Fatal(err)
	}
	at := httptest.NewServer(w.cloud)
	t.Cleanup(at.Close)
	w.at = at.URL
	w = w.again(t)
	conf := filepath.Join(w.dir, "conf")
	if err := os.MkdirAll(conf, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"awsprov_config.json": `{"AWS_REGION": "us-east-1"}`, "awsprov_templates.json": islandTemplates} {
		if err := os.WriteFile(filepath.Join(conf, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// again puts the island into the environment of a test.
func (w *island) again(t *testing.T) *island {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": w.at, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "USER": "ann",
		"OHFP_CONF_DIR": filepath.Join(w.dir, "conf"), "OHFP_WORK_DIR": filepath.Join(w.dir, "work"), "OHFP_ACCESS_LOCAL_ROLE": string(access.Admin),
	} {
		t.Setenv(name, value)
	}
	again := *w
	again.t = t
	return &again
}

// settle asks for machines and waits for them.
func (w *island) settle() {
	w.t.Helper()
	var r struct {
		ID       string `json:"requestId"`
		Machines []struct {
			ID string `json:"machineId"`
		} `json:"machines"`
	}
	made := w.must("requests", "create", "--template-id", "my-template", "--count", "2")
	if err := json.Unmarshal([]byte(made), &r); err != nil {
		w.t.Fatalf("%v: %s", err, made)
	}
	made = w.must("requests", "show", r.ID)
	if err := json.Unmarshal([]byte(made), &r); err != nil || len(r.Machines) != 2 || !strings.Contains(made, `"status": "complete"`) {
		w.t.Fatalf("%v: %s", err, made)
	}
	w.cloud.Advance(2 * time.Second) // machines are listed in the order of their launch, which clouds tell in seconds
	w.names["$REQUEST"], w.names["$MACHINE"], w.names["$OTHER"] = r.ID, r.Machines[0].ID, r.Machines[1].ID
}

func (w *island) filled(text string) string {
	for name, value := range w.names {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}

// reply is what a face said.
type reply struct {
	text    string // the answer
	said    string // what it said beside it, or why there is none
	refused bool   // the caller may not
	failed  bool
}

func (w *island) run(args ...string) reply {
	var out, errw bytes.Buffer
	code := Main(context.Background(), args, strings.NewReader(""), &out, &errw)
	said := errw.String()
	return reply{text: out.String(), said: said, failed: code != 0, refused: code != 0 && strings.Contains(said+out.String(), "needs the role")}
}

func (w *island) must(args ...string) string {
	w.t.Helper()
	r := w.run(args...)
	if r.failed {
		w.t.Fatalf("ohfp %v: %s%s", args, r.text, r.said)
	}
	return r.text
}

// rest makes a call of REST.
func (w *island) rest(route, query, body string) (told reply) {
	w.t.Helper()
	p := &program{in: strings.NewReader(""), out: &bytes.Buffer{}, errw: &bytes.Buffer{}, lookupEnv: os.LookupEnv, open: open, providers: app.Registry()}
	err := p.around(w.t.Context(), false, func(a *app.App) error {
		g, err := a.Gate("rest")
		if err != nil {
			return err
		}
		g.Open, g.Local.Name = true, p.caller()
		s := serverOf(a, g, daemon.Served{
			Status: func() daemon.Status { return daemon.Status{} },
			Reload: func(context.Context) (daemon.Reloaded, error) { return daemon.Reloaded{}, nil },
		})
		s.Commands = a.Commands // nothing follows requests here but the calls themselves
		ctx, stop := context.WithCancel(w.t.Context())
		defer stop()
		handler, err := s.Handler(ctx)
		if err != nil {
			return err
		}
		method, path, _ := strings.Cut(route, " ")
		r := httptest.NewRequest(method, "http://localhost"+path+query, strings.NewReader(body))
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		r.RemoteAddr = "127.0.0.1:1"
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		told = reply{
			text: answer.Body.String(), said: answer.Body.String(), failed: answer.Code >= http.StatusBadRequest,
			refused: answer.Code == http.StatusForbidden && strings.Contains(answer.Body.String(), "needs the role"),
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return told
}

// same is one operation as each face is asked for it.
type same struct {
	Before [][]string // commands that make the world what the operation needs
	Args   []string   // after the command's words
	Path   [2]string  // what stands for a name in REST's path
	Query  string
	Body   string
	Tool   string // arguments
	Script string // input
	// One: REST is asked for one thing, by its path, and the others for a list of one under this key.
	One string
	// Common: Host Factory's answers have words of their own; these fields are in all of them.
	Common []string
	Flat   bool // only those of them that are not in a list
	Made   bool // REST answers with the thing itself, or with nothing when it is gone, as HTTP has it; the others tell what became of it
}

const newTemplate = `{"templateId": "new", "maxNumber": 1, "imageId": "ami-0abcdef1234567890", "vmType": "m5.xlarge",
  "subnetId": "subnet-0000000000000000a", "securityGroupIds": ["sg-00000000000000001"]}`

const importedTemplates = `{"templates": [` + newTemplate + `]}`

// sames are the operations that more than one face has.
func sames() map[access.Operation]same {
	made := []string{"templates", "create", "--data", newTemplate}
	return map[access.Operation]same{
		"templates.list":     {Common: []string{"templateId"}, Script: `{}`},
		"templates.show":     {Args: []string{"my-template"}, Path: [2]string{"{id}", "my-template"}, Tool: `{"template_id": "my-template"}`},
		"templates.create":   {Args: []string{"--data", newTemplate}, Body: newTemplate, Tool: `{"template": ` + newTemplate + `}`, Made: true},
		"templates.update":   {Before: [][]string{made}, Args: []string{"new", "--data", newTemplate}, Path: [2]string{"{id}", "new"}, Body: newTemplate, Tool: `{"template": ` + newTemplate + `}`, Made: true},
		"templates.delete":   {Before: [][]string{made}, Args: []string{"new", "--force"}, Path: [2]string{"{id}", "new"}, Tool: `{"template_id": "new"}`, Made: true},
		"templates.forget":   {Before: [][]string{made, {"templates", "list"}, {"templates", "delete", "new", "--force"}, {"templates", "list"}}, Args: []string{"new"}, Path: [2]string{"{id}", "new"}, Tool: `{"template_id": "new"}`, Made: true},
		"templates.validate": {Args: []string{"--data", newTemplate, "--online"}, Query: "?online=true", Body: newTemplate, Tool: `{"online": true, "template": ` + newTemplate + `}`, One: "templates"},
		"templates.refresh":  {Args: []string{"--force"}, Query: "?force=true", Tool: `{"force": true}`},
		"requests.create": {
			Args: []string{"--template-id", "EC2FleetInstant", "--count", "3"}, Body: `{"templateId": "EC2FleetInstant", "count": 3}`,
			Tool: `{"template_id": "EC2FleetInstant", "count": 3}`, Script: `{"template": {"templateId": "EC2FleetInstant", "machineCount": 3}}`, Common: []string{"requestId"},
		},
		"requests.status": {
			Args: []string{"$REQUEST"}, Path: [2]string{"{id}", "$REQUEST"}, Tool: `{"request_id": "$REQUEST"}`, One: "requests",
			Script: `{"requests": [{"requestId": "$REQUEST"}]}`, Common: []string{"machineId", "privateIpAddress", "instanceType"},
		},
		"requests.list":         {},
		"requests.show":         {Args: []string{"$REQUEST"}, Path: [2]string{"{id}", "$REQUEST"}, Tool: `{"request_id": "$REQUEST"}`},
		"requests.cancel":       {Before: [][]string{{"requests", "create", "--template-id", "my-template"}}, Args: []string{"$OPEN"}, Path: [2]string{"{id}", "$OPEN"}, Tool: `{"request_id": "$OPEN"}`},
		"requests.return":       {Args: []string{"--request-id", "$REQUEST"}, Body: `{"requestId": "$REQUEST"}`, Tool: `{"request_id": "$REQUEST"}`, Script: `{"machines": [{"machineId": "$MACHINE"}, {"machineId": "$OTHER"}]}`, Common: []string{"requestId"}, Flat: true},
		"requests.timeline":     {Args: []string{"$REQUEST"}, Path: [2]string{"{id}", "$REQUEST"}, Tool: `{"request_id": "$REQUEST"}`},
		"requests.list-returns": {Before: [][]string{{"requests", "return", "$OTHER"}}},
		"machines.stop":         {Args: []string{"$MACHINE"}, Body: `{"machineIds": ["$MACHINE"]}`, Tool: `{"machine_ids": ["$MACHINE"]}`},
		"machines.start":        {Before: [][]string{{"machines", "stop", "$MACHINE"}, {"machines", "list"}}, Args: []string{"$MACHINE"}, Body: `{"machineIds": ["$MACHINE"]}`, Tool: `{"machine_ids": ["$MACHINE"]}`},
		"machines.list":         {},
		"machines.show":         {Args: []string{"$MACHINE"}, Path: [2]string{"{id}", "$MACHINE"}, Tool: `{"machine_id": "$MACHINE"}`},
		"machines.timeline":     {Args: []string{"$MACHINE"}, Path: [2]string{"{id}", "$MACHINE"}, Tool: `{"machine_id": "$MACHINE"}`},
		"machines.drain":        {Args: []string{"$MACHINE", "--grace", "5m"}, Body: `{"machineIds": ["$MACHINE"], "grace": 300}`, Tool: `{"machine_ids": ["$MACHINE"], "grace": "5m"}`},
		"machines.reclaimed": {
			Before: [][]string{{"machines", "drain", "$MACHINE", "--grace", "0s"}}, Script: `{}`, Common: []string{"machine", "gracePeriod"},
		},
		"usage":                {},
		"orphans.list":         {},
		"orphans.collect":      {Args: []string{"--yes"}, Body: `{}`},
		"storage.rebuild":      {Body: `{}`},
		"providers.list":       {},
		"providers.health":     {Args: []string{"$PROVIDER"}, Path: [2]string{"{name}", "$PROVIDER"}, Tool: `{"provider_name": "$PROVIDER"}`, One: "providers"},
		"providers.metrics":    {Args: []string{"$PROVIDER"}, Path: [2]string{"{name}", "$PROVIDER"}, Tool: `{"provider_name": "$PROVIDER"}`, One: "providers"},
		"providers.iam-policy": {Args: []string{"$PROVIDER"}, Path: [2]string{"{name}", "$PROVIDER"}, Tool: `{"provider_name": "$PROVIDER"}`},
		"providers.refresh":    {Args: []string{"$PROVIDER"}, Path: [2]string{"{name}", "$PROVIDER"}, Tool: `{"provider_name": "$PROVIDER"}`, One: "providers"},
		"providers.show":       {Args: []string{"$PROVIDER"}, Path: [2]string{"{name}", "$PROVIDER"}, Tool: `{"provider_name": "$PROVIDER"}`},
		"config.show":          {Args: []string{"storage", "--origin"}, Query: "?key=storage", Tool: `{"key": "storage"}`},
		"config.validate":      {},
		"events.list":          {},
		"system.status":        {},
		"system.health":        {Args: []string{"--offline"}},
		"system.metrics":       {},
		"system.reload":        {},
		"config.schema":        {},
		"templates.generate": {
			Args: []string{"--output", "-", "--subnet-ids", "subnet-1", "--security-group-ids", "sg-1"},
			Body: `{"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}`,
		},
		"templates.export":        {Args: []string{"my-template"}, Query: "?id=my-template"},
		"templates.import":        {Args: []string{"$FILE"}, Body: importedTemplates},
		"scheduler.list":          {},
		"scheduler.show":          {},
		"audit.list":              {Before: [][]string{{"requests", "create", "--template-id", "my-template"}}},
		"storage.compact":         {Args: []string{"--older-than", "30d"}, Body: `{"olderThan": 2592000}`},
		"storage.list":            {},
		"storage.show":            {},
		"storage.health":          {},
		"storage.validate":        {},
		"storage.test":            {},
		"storage.metrics":         {Args: []string{"--rounds", "1"}, Query: "?rounds=1"},
		"infrastructure.discover": {},
		"infrastructure.show":     {},
		"infrastructure.validate": {},
		"infrastructure.clean":    {Args: []string{"--unused-for", "0s"}, Body: `{"unusedFor": 0}`, Tool: `{"unused_for": "0s"}`},
	}
}

// notTheSame are operations of several faces that are not asked the same, and why.
func notTheSame() map[access.Operation]string {
	return map[access.Operation]string{
		"system.status":   "the command asks a daemon that runs, and REST is part of one",
		"system.health":   "the command also looks at the daemon and the clouds; what answers over REST is the daemon, and leaves clouds to providers.health",
		"system.metrics":  "the command answers JSON of the same figures, and REST what Prometheus reads",
		"system.reload":   "the command asks a daemon that runs, and REST is part of one",
		"storage.metrics": "it is nothing but how long things took",
	}
}

// ask asks a face for an operation, with what the case says about it.
func (w *island) ask(f face, rule access.Rule, c same) reply {
	w.t.Helper()
	switch f {
	case onCommandLine:
		args := append(strings.Fields(rule.CLI), c.Args...)
		for i := range args {
			args[i] = w.filled(args[i])
		}
		return w.run(args...)
	case overREST:
		route := rule.REST
		if c.Path[0] != "" {
			route = strings.ReplaceAll(route, c.Path[0], w.filled(c.Path[1]))
		}
		return w.rest(route, w.filled(c.Query), w.filled(c.Body))
	case toAssistants:
		return w.run("mcp", "tools", "call", rule.MCP, "--yes", "--args", w.filled(cmp.Or(c.Tool, "{}")))
	default:
		file := filepath.Join(w.dir, "input.json")
		if err := os.WriteFile(file, []byte(w.filled(c.Script)), 0o600); err != nil {
			w.t.Fatal(err)
		}
		return w.run(rule.Script, "-f", file)
	}
}

// even gives what differs from world to world, or says only which face it was, one form.
type even struct {
	dir   string
	names map[string]string
	count map[string]int
}

var (
	someID    = regexp.MustCompile(`\b(ip)-10(-\d+){3}\b|\b10(\.\d+){3}\b|\b(r)-[0-9a-f]{17}\b|\b(req|ret)-[0-9a-f]{8}-[0-9a-f-]{27}\b|\b(i|fleet|lt|vol|eni)-[0-9a-f]{8,}(-[0-9a-f-]+)?\b`)
	someTime  = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`)
	aFaceOf   = regexp.MustCompile(`\b(cli|rest|mcp|hostfactory)( |:|/)ann\b`)
	someHash  = regexp.MustCompile(`\bohfp-[0-9a-f-]{8,}\b`)
	moments   = []string{"after", "averageMs", "waited", "cloudRequestId", "operations", "calls", "errors", "open_ms", "read_ms", "write_ms", "remove_ms", "bytes", "tookMs"}
	fromWorld = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
)

func (e *even) text(s string) string {
	s = strings.ReplaceAll(s, e.dir, "DIR")
	s = fromWorld.ReplaceAllString(someTime.ReplaceAllString(s, "TIME"), "CLOUD")
	s = someHash.ReplaceAllString(aFaceOf.ReplaceAllString(s, "FACE"), "HASH")
	return someID.ReplaceAllStringFunc(s, func(id string) string {
		if e.names[id] == "" {
			kind, _, _ := strings.Cut(strings.Replace(id, ".", "-", 1), "-")
			e.count[kind]++
			e.names[id] = fmt.Sprintf("%s-%d", kind, e.count[kind])
		}
		return e.names[id]
	})
}

func (e *even) value(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range moments {
			delete(v, name)
		}
		out := map[string]any{}
		for _, name := range slices.Sorted(keysOf(v)) {
			out[e.text(name)] = e.value(v[name])
		}
		return out
	case []any:
		for i := range v {
			v[i] = e.value(v[i])
		}
	case string:
		return e.text(v)
	}
	return v
}

func keysOf(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range m {
			if !yield(name) {
				return
			}
		}
	}
}

// answer is what a face answered, as the others would have.
func (c same) answer(t *testing.T, f face, w *island, told reply) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(told.text), &v); err != nil {
		t.Fatalf("%s: %v: %s", f, err, told.text)
	}
	if list, ok := v.(map[string]any); ok && c.One != "" && f != overREST {
		if one, ok := list[c.One].([]any); ok && len(one) == 1 && f != inScripts {
			v = one[0]
		}
	}
	e := &even{dir: w.dir, names: map[string]string{}, count: map[string]int{}}
	return e.value(v)
}

// common are the values of some fields, wherever they are.
func common(v any, names []string, flat bool) (found []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(keysOf(v)) {
			if slices.Contains(names, name) {
				found = append(found, fmt.Sprintf("%s=%v", name, v[name]))
			}
			found = append(found, common(v[name], names, flat)...)
		}
	case []any:
		for _, one := range v {
			if flat {
				break
			}
			found = append(found, common(one, names, flat)...)
		}
	}
	slices.Sort(found)
	return found
}

// left is what an operation leaves behind, in the records and in the cloud.
func (w *island) left() any {
	w.t.Helper()
	e := &even{dir: w.dir, names: map[string]string{}, count: map[string]int{}}
	var all []any
	for _, args := range [][]string{{"requests", "list"}, {"machines", "list", "--status", "all"}, {"templates", "list", "--long"}} {
		var v any
		if err := json.Unmarshal([]byte(w.must(args...)), &v); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, e.value(v))
	}
	alive := 0
	for _, i := range w.cloud.Instances() {
		if i.Alive() {
			alive++
		}
	}
	return append(all, any(alive))
}

// TestFacesAnswerTheSame asks every face that has an operation for it, each in a world of its own that is like those of the
// others, as the least role that may, and compares the answers and what is left behind.
func TestFacesAnswerTheSame(t *testing.T) {
	cases := sames()
	asked := map[access.Operation]bool{}
	looked := newIsland(t) // where nothing changes, all may look
	looked.settle()
	for _, rule := range access.Rules() {
		has := faces(rule)
		_, except := notTheSame()[rule.Operation]
		c, ok := cases[rule.Operation]
		switch {
		case len(has) < 2:
			continue
		case except && ok:
			asked[rule.Operation] = true // for who may
			continue
		case !ok:
			t.Errorf("%s has %v, and no case here: say how each is asked, or why they are not the same", rule.Operation, has)
			continue
		}
		asked[rule.Operation] = true
		world := func(t *testing.T) *island {
			t.Helper()
			w := newIsland(t)
			w.settle()
			c.prepare(w)
			return w
		}
		if rule.Effect == access.Reads && c.Before == nil {
			world = looked.again
		}
		t.Run(string(rule.Operation), func(t *testing.T) { c.compare(t, rule, has, world) })
	}
	for op := range cases {
		if !asked[op] {
			t.Errorf("%s has a case here, and not several faces", op)
		}
	}
}

func (c same) compare(t *testing.T, rule access.Rule, has []face, world func(t *testing.T) *island) {
	t.Helper()
	answers, left := map[face]any{}, map[face]any{}
	for _, f := range has {
		w := world(t)
		t.Setenv("OHFP_ACCESS_LOCAL_ROLE", string(rule.Role))
		told := w.ask(f, rule, c)
		t.Setenv("OHFP_ACCESS_LOCAL_ROLE", string(access.Admin))
		if told.failed {
			t.Fatalf("%s: %s%s", f, told.text, told.said)
		}
		if c.Made && f == overREST {
			answers[f] = nil
		} else {
			answers[f] = c.answer(t, f, w, told)
		}
		if rule.Effect != access.Reads {
			left[f] = w.left()
		}
	}
	for _, f := range has[1:] {
		if diff := gocmp.Diff(left[has[0]], left[f]); diff != "" {
			t.Errorf("%s leaves something else behind than %s (-%s +%s):\n%s", f, has[0], has[0], f, diff)
		}
		if c.Made && f == overREST {
			continue
		}
		want, got := answers[has[0]], answers[f]
		if f == inScripts {
			want, got = common(want, c.Common, c.Flat), common(got, c.Common, c.Flat)
			if len(common(answers[f], c.Common, c.Flat)) == 0 {
				t.Errorf("nothing of the script's answer is compared: %v", answers[f])
			}
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("%s answers something else than %s (-%s +%s):\n%s", f, has[0], has[0], f, diff)
		}
	}
}

// prepare makes the world what the operation needs, and names what is there.
func (c same) prepare(w *island) {
	w.t.Helper()
	for _, args := range c.Before {
		words := slices.Clone(args)
		for i := range words {
			words[i] = w.filled(words[i])
		}
		made := w.must(words...)
		var r struct {
			ID string `json:"requestId"`
		}
		if json.Unmarshal([]byte(made), &r) == nil && strings.HasPrefix(r.ID, "req-") {
			w.names["$OPEN"] = r.ID
		}
	}
}

// TestFacesLetInTheSame asks every face for every operation that it has, in every role, of things that do not exist where
// it needs some: whoever may not is refused by all of them, and nobody else by any.
func TestFacesLetInTheSame(t *testing.T) {
	w := newIsland(t)
	cases := sames()
	for _, role := range access.Roles() {
		t.Setenv("OHFP_ACCESS_LOCAL_ROLE", string(role))
		for _, rule := range access.Rules() {
			has := faces(rule)
			c, ok := cases[rule.Operation]
			if len(has) < 2 || !ok {
				continue
			}
			for _, f := range has {
				told := w.ask(f, rule, c)
				if may := role.Covers(rule.Role); told.refused == may {
					t.Errorf("%s as %s over the %s: refused is %v, and it needs %s: %s%s", rule.Operation, role, f, told.refused, rule.Role, told.text, told.said)
				}
			}
		}
	}
}
