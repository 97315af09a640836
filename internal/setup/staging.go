package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config"
)

// stage is a directory in which files are tried before they are written where they belong. The program reads them there
// as it will read them later.
type stage struct {
	dir      string
	instance string // as Host Factory would name it
	environ  []string
	now      func() time.Time
	lookup   func(string) (string, bool)
}

func newStage(instance string, environ []string, now func() time.Time, lookup func(string) (string, bool)) (*stage, error) {
	dir, err := os.MkdirTemp("", "ohfp-init-*")
	if err != nil {
		return nil, fmt.Errorf("try the files: %w", err)
	}
	return &stage{dir: dir, instance: instance, environ: environ, now: now, lookup: lookup}, nil
}

func (s *stage) close() { _ = os.RemoveAll(s.dir) } // the system empties its directory of temporary files

func (s *stage) conf() string { return filepath.Join(s.dir, "conf") }

// put writes a file into the stage.
func (s *stage) put(name string, content []byte) error {
	if err := os.MkdirAll(s.conf(), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.conf(), name), content, 0o600) //nolint:gosec // names come from this package, or from the listing of a directory
}

// open opens the program on what is in the stage. The environment is the caller's but for what names directories and
// settings: those belong to another installation.
func (s *stage) open(ctx context.Context) (*app.App, error) {
	environ := []string{"OHFP_CONF_DIR=" + s.conf(), "OHFP_WORK_DIR=" + filepath.Join(s.dir, "work")}
	if s.instance != "" {
		environ = append(environ, "HF_PROVIDER_NAME="+s.instance)
	}
	for _, entry := range s.environ {
		if !strings.HasPrefix(entry, "OHFP_") && !strings.HasPrefix(entry, "HF_") && !strings.HasPrefix(entry, "PRO_") && !strings.HasPrefix(entry, "PROVIDER_NAME=") {
			environ = append(environ, entry)
		}
	}
	cfg, err := config.Load(config.Sources{Environ: environ, Dir: s.dir})
	if err != nil {
		return nil, s.named(err)
	}
	cfg.Logging.File, cfg.Logging.Console, cfg.Notes = "", false, nil
	a, err := app.Open(ctx, cfg, app.Options{Stderr: io.Discard, LookupEnv: s.lookup, Now: s.now, ListingOnly: true})
	if err != nil {
		return nil, s.named(err)
	}
	return a, nil
}

// with opens the program for the time of do.
func (s *stage) with(ctx context.Context, do func(a *app.App) error) error {
	a, err := s.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(s.named(do(a)), a.Close())
}

// named takes the stage's own directory out of an error.
func (s *stage) named(err error) error {
	if err == nil || !strings.Contains(err.Error(), s.dir) {
		return err
	}
	kind := ohfp.KindOf(err)
	if kind == nil {
		kind = ohfp.ErrInvalid
	}
	return ohfp.Errorf(kind, "%s", strings.ReplaceAll(err.Error(), s.conf()+string(filepath.Separator), ""))
}

// check lists the templates of the stage and returns what is wrong with them.
func (s *stage) check(ctx context.Context) (problems []string, err error) {
	err = s.with(ctx, func(a *app.App) error {
		_, found, err := a.Queries.TemplateList(ctx)
		for _, problem := range found {
			problems = append(problems, strings.ReplaceAll(problem, s.conf()+string(filepath.Separator), ""))
		}
		return err
	})
	return problems, err
}
