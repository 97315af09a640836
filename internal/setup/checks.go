package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/openhostfactory/ohfp"
	"github.com/openhostfactory/ohfp/internal/app"
	"github.com/openhostfactory/ohfp/internal/config"
	"github.com/openhostfactory/ohfp/provider"
	"github.com/openhostfactory/ohfp/store"
)

// freeLow is when a disk is said to run full: a day of requests takes about that.
const freeLow = 200 << 20

// directories looks whether everything can be read and written, and whether there is room. The error is that of reading the
// configuration directory before any other check could have made it as its work directory.
func (d Doctor) directories(cfg config.Config, unread error) []provider.Finding {
	var found []provider.Finding
	told := map[string]bool{} // Host Factory may give one directory for all
	if unread != nil {
		told[cfg.ConfDir] = true
		found = append(found, failure("directories", cfg.ConfDir, "the configuration directory cannot be read: "+reason(unread),
			"run ohfp init, which makes it, or name it in OHFP_CONF_DIR (under Host Factory: HF_PROVIDER_CONFDIR)"))
	}
	for _, dir := range []string{cfg.WorkDir, cfg.LogDir} {
		if !told[dir] {
			told[dir] = true
			found = append(found, d.writable(dir, dir == cfg.WorkDir))
		}
	}
	return found
}

// writable tries to write to a directory. One that is not there yet is made by whoever needs it first.
func (d Doctor) writable(dir string, needed bool) provider.Finding {
	bad, purpose := warning, "log"
	if needed {
		bad, purpose = failure, "work"
	}
	at := dir
	for {
		_, err := os.Stat(at)
		if !errors.Is(err, fs.ErrNotExist) || filepath.Dir(at) == at {
			break
		}
		at = filepath.Dir(at)
	}
	err := d.Probe(at)
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return bad("disk", at, "the file system of the "+purpose+" directory is full: "+reason(err), "free space on it, or move the directory to another")
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return bad("directories", at, "the "+purpose+" directory cannot be written: "+reason(err),
			"give it to the user that Host Factory runs as (chown), or name another in "+map[bool]string{true: "OHFP_WORK_DIR", false: "OHFP_LOG_DIR"}[needed])
	case err != nil:
		return bad("directories", at, "the "+purpose+" directory cannot be used: "+reason(err), "see what the system says, or name another")
	}
	if info, err := os.Stat(at); err == nil && at == dir && needed && openToAll(info) {
		return warning("directories", dir, "everybody may write the work directory, and so change the records", "chmod o-w "+dir)
	}
	if free, known := d.Free(at); known && free < freeLow {
		return warning("disk", at, fmt.Sprintf("the file system of the %s directory has %d MiB left", purpose, free>>20), "free space on it before it is full")
	}
	return fine("directories", dir, "the "+purpose+" directory can be written")
}

// records opens the store and looks at it.
func (d Doctor) records(ctx context.Context, cfg config.Config) (found []provider.Finding) {
	const name = "store"
	records, err := app.OpenStore(ctx, cfg.Storage, app.Options{Stderr: io.Discard, LookupEnv: d.LookupEnv, Now: d.Now})
	if err != nil {
		return []provider.Finding{failure(name, "", err.Error(), mendStore(cfg.Storage, err))}
	}
	defer func() {
		if err := records.Close(); err != nil {
			found = append(found, warning(name, "", "it cannot be closed: "+err.Error(), "see ohfp storage health"))
		}
	}()
	seen, err := records.Inspect(ctx)
	if err != nil {
		return []provider.Finding{failure(name, "", err.Error(), mendStore(cfg.Storage, err))}
	}
	found = append(found, fine(name, seen.Place, fmt.Sprintf("%s, %s, %s", seen.Strategy, ohfp.Count(seen.Requests, "request"), ohfp.Count(seen.Live, "live machine"))))
	machines, err := records.Machines(ctx, store.MachineFilter{States: living()})
	if err != nil {
		return append(found, failure(name, seen.Place, err.Error(), mendStore(cfg.Storage, err)))
	}
	return append(found, d.names(ctx, machines)...)
}

// living are the states of machines that have a name.
func living() []ohfp.MachineState {
	return []ohfp.MachineState{ohfp.MachineRunning}
}

func mendStore(s config.Storage, err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), strings.Contains(err.Error(), "disk is full"):
		return "free space on the file system of the work directory"
	case errors.Is(err, fs.ErrPermission), strings.Contains(err.Error(), "readonly"):
		return "give the files of the store to the user that runs the program"
	case s.Strategy == config.StrategySQL && s.SQL.Type == config.PostgreSQL:
		return "let this machine reach the database: storage.sql.url, network, and who may log in (pg_hba.conf)"
	case s.Strategy == config.StrategyDynamoDB:
		return "run ohfp storage init, and allow the calls that docs/storage.md lists"
	default:
		return "see ohfp storage health; the newest copy can be put back with ohfp storage restore"
	}
}

// daemon asks whether one runs, and which.
func (d Doctor) daemon(ctx context.Context, cfg config.Config) []provider.Finding {
	const name = "daemon"
	if !serves {
		return []provider.Finding{fine(name, "", "there is none on "+runtime.GOOS+": every call works alone")}
	}
	told, err := d.Daemon(ctx, cfg)
	about := fmt.Sprintf("process %d", told.PID)
	switch {
	case err != nil:
		text := "none runs"
		if !errors.Is(err, fs.ErrNotExist) { // a socket that nobody made needs no words
			text += ": " + err.Error()
		}
		return []provider.Finding{warning(name, "", text,
			"start it with ohfp serve (deploy/systemd has a service); without it requests are followed only when they are asked for")}
	case !told.Live:
		return []provider.Finding{failure(name, about, "it answers, but its loop stands still", "start it again")}
	case told.Version != d.Version:
		return []provider.Finding{warning(name, about, "its version is "+told.Version+", this program's "+d.Version, "start it again, so that it runs what is installed")}
	case told.Problem != "":
		return []provider.Finding{warning(name, about, "its last look could not do everything: "+told.Problem, "see the other findings, and its log in "+cfg.Logging.File)}
	}
	return []provider.Finding{fine(name, about, "it runs, version "+told.Version)}
}

// templates lists the templates as Host Factory would get them.
func (d Doctor) templates(ctx context.Context, cfg config.Config) (found []provider.Finding) {
	const name, fix = "templates", "correct it at the place that is named; ohfp templates list shows what is left"
	a, err := d.open(ctx, cfg)
	if err != nil {
		return []provider.Finding{failure(name, "", err.Error(), "correct what the message names")}
	}
	defer func() { _ = a.Close() }() // nothing was written
	views, problems, err := a.Queries.TemplateList(ctx)
	if err != nil {
		problems = append(problems, err.Error())
	}
	told := map[string]bool{}
	for _, problem := range problems {
		if told[problem] {
			continue
		}
		told[problem] = true
		if err == nil && strings.Contains(problem, "stays listed") {
			found = append(found, warning(name, "", problem, "put it back, or let Host Factory forget it: ohfp templates forget"))
			continue
		}
		found = append(found, failure(name, "", problem, fix))
	}
	if good := len(views); good > 0 {
		found = append(found, fine(name, "", ohfp.Count(good, "template")+" listed"))
	}
	return found
}

// cloud looks at the account of a provider.
func (d Doctor) cloud(ctx context.Context, cfg config.Config, name string) []provider.Finding {
	a, err := d.open(ctx, cfg)
	if err == nil {
		defer func() { _ = a.Close() }() // nothing was written
		var found []provider.Finding
		if found, err = a.Examine(ctx, name); err == nil {
			return found
		}
	}
	return []provider.Finding{failure("provider", name, err.Error(), "correct the provider's config where the message says; docs/aws.md lists its settings")}
}

// reason is what the system says, without the path that is told beside it.
func reason(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err.Error()
	}
	return err.Error()
}
