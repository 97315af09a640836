package main

import (
	"fmt"
	"path"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// builder carries out those instructions that only copy files and describe the image.
type builder struct {
	Context   string
	Steps     []step
	Arguments map[string]string
	Made      time.Time // the time of every file and of the image
}

// image builds the last stage for a platform.
func (b builder) image(platform string) (v1.Image, error) {
	system, architecture, ok := strings.Cut(platform, "/")
	if !ok {
		return nil, fmt.Errorf("platform %q is not SYSTEM/ARCHITECTURE", platform)
	}
	globals, byName := stages(b.Steps)
	values := map[string]string{}
	for _, s := range globals {
		b.argument(s, values)
	}
	image := &state{
		builder: b, stages: byName, globals: values,
		config: v1.ConfigFile{OS: system, Architecture: architecture, Created: v1.Time{Time: b.Made}},
	}
	if err := image.stage(""); err != nil {
		return nil, err
	}
	// Configuration first: each layer adds its line of history to it.
	built, err := mutate.ConfigFile(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), &image.config)
	if err != nil {
		return nil, err
	}
	return mutate.Append(built, image.layers...)
}

// argument declares an ARG: the value that was given, else its default.
func (b builder) argument(s step, values map[string]string) {
	name, value, _ := strings.Cut(s.Rest, "=")
	if given, ok := b.Arguments[name]; ok {
		value = given
	}
	values[name] = expand(strings.Trim(value, `"`), values)
}

// state is an image under way.
type state struct {
	builder
	stages  map[string][]step
	globals map[string]string
	config  v1.ConfigFile
	layers  []mutate.Addendum
}

// stage builds a stage upon the one that its FROM names.
func (i *state) stage(name string) error {
	steps, ok := i.stages[name]
	if !ok {
		return fmt.Errorf("it has no stage %q, and images cannot be pulled here; start from scratch", name)
	}
	from, _, _ := strings.Cut(expand(steps[0].Rest, i.globals), " ")
	if from != "scratch" {
		if err := i.stage(from); err != nil {
			return err
		}
	}
	values := map[string]string{"TARGETOS": i.config.OS, "TARGETARCH": i.config.Architecture}
	for _, s := range steps[1:] {
		if err := i.carryOut(s, values); err != nil {
			return err
		}
	}
	return nil
}

func (i *state) carryOut(s step, values map[string]string) error {
	c := &i.config.Config
	if s.Name == "ARG" {
		i.declare(s, values)
		return nil
	}
	s.Rest = expand(s.Rest, values)
	var err error
	switch s.Name {
	case "COPY":
		return i.copy(s)
	case "USER":
		c.User = s.Rest
	case "WORKDIR":
		c.WorkingDir = path.Clean(s.Rest)
	case "STOPSIGNAL":
		c.StopSignal = s.Rest
	case "ENTRYPOINT":
		c.Entrypoint, err = words(s)
	case "CMD":
		c.Cmd, err = words(s)
	case "HEALTHCHECK":
		c.Healthcheck, err = health(s)
	case "EXPOSE":
		c.ExposedPorts = set(c.ExposedPorts, s.Rest+"/tcp")
	case "VOLUME":
		var list []string
		list, err = words(s)
		c.Volumes = set(c.Volumes, list...)
	case "ENV":
		var list [][2]string
		list, err = pairs(s)
		for _, pair := range list {
			c.Env = append(c.Env, pair[0]+"="+pair[1])
		}
	case "LABEL":
		var list [][2]string
		list, err = pairs(s)
		for _, pair := range list {
			if c.Labels == nil {
				c.Labels = map[string]string{}
			}
			c.Labels[pair[0]] = pair[1]
		}
	default:
		return fmt.Errorf("line %d: %s cannot be done without an engine", s.Line, s.Name)
	}
	return err
}

// declare makes an argument known in a stage: one of the platform, one from before the first FROM, or one of its own.
func (i *state) declare(s step, values map[string]string) {
	for _, name := range strings.Fields(s.Rest) {
		if name == "TARGETOS" || name == "TARGETARCH" {
			continue
		}
		if value, ok := i.globals[name]; ok {
			values[name] = value
			continue
		}
		i.argument(step{Rest: name}, values)
	}
}

func set(known map[string]struct{}, names ...string) map[string]struct{} {
	if known == nil {
		known = map[string]struct{}{}
	}
	for _, name := range names {
		known[name] = struct{}{}
	}
	return known
}

// health reads HEALTHCHECK --interval=30s … CMD ["program", "argument"].
func health(s step) (*v1.HealthConfig, error) {
	rest, ok := strings.CutPrefix(s.Rest, "CMD ")
	if !ok {
		return nil, fmt.Errorf("line %d: HEALTHCHECK wants CMD", s.Line)
	}
	command, err := words(step{Line: s.Line, Name: s.Name, Rest: rest})
	if err != nil {
		return nil, err
	}
	out := &v1.HealthConfig{Test: append([]string{"CMD"}, command...), Retries: 3} // 3: an engine's own default
	for name, field := range map[string]*time.Duration{"interval": &out.Interval, "timeout": &out.Timeout, "start-period": &out.StartPeriod} {
		if value := s.flag(name); value != "" {
			if *field, err = time.ParseDuration(value); err != nil {
				return nil, fmt.Errorf("line %d: --%s: %w", s.Line, name, err)
			}
		}
	}
	return out, nil
}
